"""A rule's figures out of a side: subject -> round -> value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.compare import cell_words
from lab.disturbance import UNFIT, is_fit
from lab.expect import matches
from lab.gate.policy import FILES, Degraded, Metric, Rule
from lab.gate.sides import Side
from lab.record import Build

Figures = dict[str, dict[int, float]]
_PREFIX = "Benchmark"  # of all benchmarks' names; what comes behind it may have dots as well


def figures(rule: Rule, side: Side, *, degraded: Degraded = "leave-out") -> Figures:
    """What a side tells of a rule's metric. A build that tells nothing of it is not there."""
    if rule.metric == "coverage":
        found = side.coverage
        return {"coverage of statements": {1: found.share}} if found else {}
    if rule.metric == "go_benchmark":
        return _benchmarks(rule, side)
    made: Figures = {}
    for build in side.builds:
        if not _chosen(rule, build) or not counts(build, degraded=degraded):
            continue
        value = _value(rule, build)
        if value is not None:
            made.setdefault(_subject(rule, build), {})[build.round] = value
    return made


def counts(build: Build, *, degraded: Degraded) -> bool:
    """Whether a build may be believed; what was disturbed only where ``degraded`` asks for it."""
    unfit = (build.fit or "").startswith(UNFIT)
    asked_for = degraded == "use-unfit" or (degraded == "use" and not unfit)
    return build.status == "ok" and (asked_for or is_fit(build.fit))


def why_none(rule: Rule, sides: Sequence[Side], degraded: Degraded) -> str:
    """Why both sides tell nothing of a rule."""
    if rule.metric == "go_benchmark":
        return _why_no_benchmark(rule, sides)
    builds = [build for side in sides for build in side.builds]
    if rule.metric in FILES or not builds:
        return "nobody measured it"
    chosen = [build for build in builds if _chosen(rule, build)]
    if not chosen:
        asked = [f"{axis}={value}" for axis, value in rule.where.items()]
        asked += [] if rule.after == "*" else [f"after {rule.after}"]
        return f"no build is {', '.join(asked)}"
    if not any(counts(build, degraded=degraded) for build in chosen):
        return "what was disturbed is left out"
    return f"no step is {rule.steps!r}" if rule.metric == "step" else "nobody measured it"


def _why_no_benchmark(rule: Rule, sides: Sequence[Side]) -> str:
    found = [side.benchmarks.samples for side in sides if side.benchmarks]
    if not found:
        return "nobody measured it"
    named = [units for one in found for name, units in one.items() if _named(rule, name)]
    if not named:
        return f"no benchmark is {rule.benchmarks!r}"
    known = dict.fromkeys(unit for units in named for unit in units)
    return f"no benchmark is told in {rule.unit!r}, only in {', '.join(known)}"


def _chosen(rule: Rule, build: Build) -> bool:
    return matches(rule.after, build.phase) and all(
        build.cell.get(axis) == value for axis, value in rule.where.items()
    )


def _subject(rule: Rule, build: Build) -> str:
    steps = f", steps {rule.steps}" if rule.metric == "step" else ""
    return f"{cell_words(build.cell)}, {build.phase}{steps}"


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
