"""A rule's figures out of a side: subject -> round -> value."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from lab.host.monitor.fitness import UNFIT, is_fit
from lab.model import cell_names
from lab.model.record import Build
from lab.results.expectations import matches
from lab.results.gate.policy import FILES, Degraded, Metric, Rule
from lab.results.gate.sides import Side

Figures = dict[str, dict[int, float]]
COUNTED: frozenset[Metric] = frozenset({"hit_rate", "image_size"})
_PREFIX = "Benchmark"  # of all benchmarks' names; what comes behind it may have dots as well


def figures(rule: Rule, side: Side, *, degraded: Degraded = "leave-out") -> Figures:
    """A side's figures of a rule's metric. A build that has none is left out."""
    if rule.metric == "coverage":
        found = side.coverage
        return {"coverage of statements": {1: found.share}} if found else {}
    if rule.metric == "go_benchmark":
        return _benchmarks(rule, side)
    made: Figures = {}
    for build in side.builds:
        if not _chosen(rule, build) or not counts(build, degraded=_stands(rule, degraded)):
            continue
        value = _value(rule, build)
        if value is not None:
            made.setdefault(_subject(rule, build), {})[build.round] = value
    return made


def _stands(rule: Rule, degraded: Degraded) -> Degraded:
    """What a rule's metric stands: a busy machine changes times, not what is counted."""
    return "use-unfit" if rule.metric in COUNTED else degraded


def counts(build: Build, *, degraded: Degraded) -> bool:
    """Whether a build is fit to compare; what was disturbed only where ``degraded`` asks for it."""
    unfit = (build.fit or "").startswith(UNFIT)
    asked_for = degraded == "use-unfit" or (degraded == "use" and not unfit)
    return build.status == "ok" and (asked_for or is_fit(build.fit))


@dataclass(frozen=True, slots=True)
class Lack:
    """Why there is no figure, and the next step; None where only measuring helps."""

    why: str
    remedy: str | None = None


def lack(rule: Rule, sides: Sequence[Side], degraded: Degraded) -> Lack:
    """Why neither side has a figure of a rule."""
    if rule.metric == "go_benchmark":
        return _lack_of_benchmark(rule, sides)
    builds = [build for side in sides for build in side.builds]
    if rule.metric in FILES or not builds:
        return Lack("nobody measured it")
    chosen = [build for build in builds if _chosen(rule, build)]
    if not chosen:
        return Lack(_why_not_chosen(rule, builds), _correct(rule, "where and after"))
    if not any(counts(build, degraded=_stands(rule, degraded)) for build in chosen):
        return Lack("what was disturbed is left out", "measure again, with less beside it")
    if rule.metric == "step":
        known = {step.instruction for build in chosen for step in build.steps}
        if not any(matches(rule.steps, instruction) for instruction in known):
            why = f"no step is {rule.steps!r}{_meant(rule.steps, known)}"
            return Lack(why, _correct(rule, "steps"))
    return Lack("nobody measured it")


def _why_not_chosen(rule: Rule, builds: Sequence[Build]) -> str:
    """What of ``where`` and ``after`` no build has, and what may have been meant by it."""
    wrong = []
    for axis, value in rule.where.items():
        values = {build.cell[axis] for build in builds if axis in build.cell}
        if not values:
            near = _meant(axis, {name for build in builds for name in build.cell})
            wrong.append(f"no axis is {axis!r}{near}")
        elif value not in values:
            wrong.append(f"no build is {axis}={value}{_meant(value, values)}")
    phases = {build.phase for build in builds}
    if not any(matches(rule.after, phase) for phase in phases):
        wrong.append(f"no build is after {rule.after}{_meant(rule.after, phases)}")
    asked = [f"{axis}={value}" for axis, value in rule.where.items()]
    asked += [] if rule.after == "*" else [f"after {rule.after}"]
    return "; ".join(wrong) or f"no build is {', '.join(asked)} at once"


def _meant(typed: str, known: Collection[str]) -> str:
    """The nearest name that there is; without one, the first few of all."""
    names = sorted(known)
    if near := difflib.get_close_matches(typed, names, n=1):
        return f" (did you mean {near[0]!r}?)"
    few = ", ".join([*names[:5], *(["..."] if len(names) > 5 else [])])
    return f" (there is {few})" if few else ""


def _correct(rule: Rule, keys: str) -> str:
    return f"correct {keys} in line {rule.line} of the policy"


def _lack_of_benchmark(rule: Rule, sides: Sequence[Side]) -> Lack:
    found = [side.benchmarks.samples for side in sides if side.benchmarks]
    if not found:
        return Lack("nobody measured it")
    named = [units for one in found for name, units in one.items() if _named(rule, name)]
    if not named:
        near = _meant(rule.benchmarks, {name for one in found for name in one})
        return Lack(f"no benchmark is {rule.benchmarks!r}{near}", _correct(rule, "benchmarks"))
    known = dict.fromkeys(unit for units in named for unit in units)
    why = f"no benchmark reports {rule.unit!r}, only {', '.join(known)}"
    return Lack(why, _correct(rule, "unit"))


def _chosen(rule: Rule, build: Build) -> bool:
    return matches(rule.after, build.phase) and all(
        build.cell.get(axis) == value for axis, value in rule.where.items()
    )


def _subject(rule: Rule, build: Build) -> str:
    steps = f", steps {rule.steps}" if rule.metric == "step" else ""
    return f"{cell_names.full(build.cell)}, {build.phase}{steps}"


def _value(rule: Rule, build: Build) -> float | None:
    if rule.metric == "step":
        return _steps(rule.steps, build)
    return VALUES[rule.metric](build)


VALUES: Mapping[Metric, Callable[[Build], float | None]] = {
    "wall": lambda build: build.wall_s,
    "cpu": lambda build: build.cpu_s,
    "hit_rate": lambda build: build.cache.rate if build.cache else None,
    "image_size": lambda build: build.image.size_bytes if build.image else None,
    "peak_memory": lambda build: build.peak_memory_bytes,
}


def _steps(pattern: str, build: Build) -> float | None:
    """The time of the steps that match; None where none does or none was timed."""
    times = [
        step.duration_s
        for step in build.steps
        if matches(pattern, step.instruction) and step.duration_s is not None
    ]
    return sum(times) if times else None


def _benchmarks(rule: Rule, side: Side) -> Figures:
    samples: Mapping[str, Mapping[str, tuple[float, ...]]] = (
        side.benchmarks.samples if side.benchmarks else {}
    )
    made: Figures = {}
    for name, units in samples.items():
        if _named(rule, name):
            values = _unit(rule.unit, units)
            if values:
                made[f"{name} {rule.unit}"] = dict(enumerate(values, 1))
    return made


def _named(rule: Rule, name: str) -> bool:
    """Whether a rule is about a benchmark, named with its package or without."""
    _, dot, rest = name.partition(f".{_PREFIX}")
    short = f"{_PREFIX}{rest}" if dot else name
    return matches(rule.benchmarks, name) or matches(rule.benchmarks, short)


def _unit(unit: str, units: Mapping[str, tuple[float, ...]]) -> list[float]:
    if unit != "throughput":
        return list(units.get(unit, ()))
    return [1e9 / value for value in units.get("ns/op", ()) if value > 0]
