"""What a scenario expects, held against what was built: the words of everything that broke.

An expectation that speaks of no build, or of no step, is broken too: what cannot fail checks
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from statistics import median

from lab.model import cell_names, units
from lab.model.record import Build, Step
from lab.scenario.model import Bound, Expectation


def check(expectations: Sequence[Expectation], builds: Sequence[Build]) -> tuple[str, ...]:
    """Broken expectations in words that name cell, phase, round, step and what was found."""
    return tuple(text for one in expectations for text in _broken(one, builds))


def _broken(expectation: Expectation, builds: Sequence[Build]) -> Iterator[str]:
    meant = [build for build in builds if _speaks_of(expectation, build)]
    counted = [build for build in meant if build.status != "skipped"]
    built = [build for build in counted if build.status == "ok"]
    if not counted:
        reasons = dict.fromkeys(build.reason or "no reason given" for build in meant)
        why = f"all were skipped ({'; '.join(reasons)})" if meant else "there was none"
        found: Iterable[str] = [f"no build to hold it against: {why}"]
    else:
        found = (
            *(text for build in counted for text in _of_steps(expectation, build)),
            *(text for build in built for text in _of_hit_rate(expectation, build)),
            *_medians(expectation, built, builds),
        )
    who = _title(expectation)
    return (f"{who}: {text}" for text in found)


def _of_steps(expectation: Expectation, build: Build) -> Iterator[str]:
    """Why a build says nothing about the expectation, or which of its steps break it."""
    wrong = _failure(expectation, build)
    if wrong is not None:
        yield f"{_where(build)}: {wrong}"
    elif expectation.steps is not None:
        found = _steps(expectation.steps, expectation.outcome, build)
        yield from (f"{_where(build)}: {text}" for text in found)


def _of_hit_rate(expectation: Expectation, build: Build) -> Iterator[str]:
    if expectation.hit_rate is not None:
        rate = None if build.cache is None else build.cache.rate
        text = _outside("hit rate", rate, expectation.hit_rate, _share)
        if text is not None:
            yield f"{_where(build)}: {text}"


def _speaks_of(expectation: Expectation, build: Build) -> bool:
    where = expectation.where.items()
    return build.phase == expectation.after and all(
        build.cell.get(axis) == value for axis, value in where
    )


def _failure(expectation: Expectation, build: Build) -> str | None:
    """Why a build says nothing about the expectation, where it should have."""
    if build.status == "ok":
        return None
    if build.status == "failed" and expectation.outcome in {"failed", "skipped"}:
        return None
    return f"the build {'failed' if build.status == 'failed' else 'was lost'}: {build.reason}"


def _steps(pattern: str, outcome: str | None, build: Build) -> Iterator[str]:
    # A FROM, and what the engine reports nothing about, have no outcome to compare.
    matching = [
        step
        for step in build.steps
        if step.outcome is not None and matches(pattern, step.instruction)
    ]
    if not matching:
        yield f"no step with an outcome matches {pattern!r}"
    for step in matching:
        if step.outcome != outcome:
            yield f"{_step(step)} was {step.outcome}, expected {outcome}"


def matches(pattern: str, instruction: str) -> bool:
    """Whether an instruction matches a pattern: ``*`` is any text, ``?`` any one character.

    Brackets mean themselves, because instructions use them; runs of blanks count as one.
    """
    literal = " ".join(pattern.split()).replace("[", "[[]")
    return fnmatchcase(" ".join(instruction.split()), literal)


def _medians(
    expectation: Expectation, built: Sequence[Build], builds: Sequence[Build]
) -> Iterator[str]:
    """Limits of medians over the rounds of a cell."""
    cold = {
        (_key(build), build.round): build.wall_s
        for build in builds
        if build.phase == "cold" and build.status == "ok"
    }
    cells: dict[tuple[tuple[str, str], ...], list[Build]] = {}
    for build in built:
        cells.setdefault(_key(build), []).append(build)
    for key, group in cells.items():
        saved = [_saved(build, cold.get((key, build.round))) for build in group]
        claims = (
            ("median wall", expectation.median_wall, [one.wall_s for one in group], units.seconds),
            ("median time saved", expectation.time_saved, saved, _share),
        )
        for name, bound, samples, shown in claims:
            known = [sample for sample in samples if sample is not None]
            text = bound and _outside(name, median(known) if known else None, bound, shown)
            if text:
                yield f"{cell_names.short(group[0].cell)}, {len(known)} rounds: {text}"


def _saved(build: Build, cold: float | None) -> float | None:
    return 1 - build.wall_s / cold if cold and build.wall_s is not None else None


def _outside(
    name: str, value: float | None, bound: Bound, shown: Callable[[float | None], str]
) -> str | None:
    """What is wrong with a value that is outside its bound; an unknown one is outside of any."""
    if value is None:
        return f"the {name} is unknown"
    if bound.at_least is not None and value < bound.at_least:
        return f"{name} {shown(value)}, expected at least {shown(bound.at_least)}"
    if bound.at_most is not None and value > bound.at_most:
        return f"{name} {shown(value)}, expected at most {shown(bound.at_most)}"
    return None


def _title(expectation: Expectation) -> str:
    line = "" if expectation.line is None else f" on line {expectation.line}"
    return f"the expectation{line} (after {expectation.after})"


def _share(value: float | None) -> str:
    """Finer than a report shows it: 79.8 % must not be shown as 80 % where 80 % is the limit."""
    return units.MISSING if value is None else f"{value * 100:.3g} %"


def _where(build: Build) -> str:
    return f"{cell_names.short(build.cell)}, {build.phase}, round {build.round}"


def _step(step: Step) -> str:
    text = step.instruction if len(step.instruction) <= 80 else f"{step.instruction[:79]}…"
    return f"step {step.index} ({step.stage}) {text!r}"


def _key(build: Build) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(build.cell.items()))
