"""Runs over time: the trend of each cell and phase, and where it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

from lab.model import cell_names, units
from lab.model.errors import InputError
from lab.model.origin import Origin
from lab.model.record import Run
from lab.results import figures, heads, index, runs, stats
from lab.results.heads import Head
from lab.results.stats.change_points import change_points


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run's builds of one cell and phase: their median. ``commit`` and ``branch`` are what was
    built, where the run knows it; ``dirty``: files differed from the commit.
    """

    run: str
    started: str
    median: float
    count: int
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None

    @property
    def short(self) -> str | None:
        """The commit as people write it."""
        return Origin(commit=self.commit, dirty=self.dirty).short


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The trend is another from run ``at`` (a place in the series) on.

    ``before`` and ``after`` are the medians of the runs on either side. ``ratio`` is of those after
    it to those before, None where one of them is 0; ``interval`` holds it where there are enough
    runs. ``p_value`` is how often a series without a change would show as much anywhere. ``beside``
    names what else of host, engine and scenario is new in that run.
    """

    at: int
    before: float
    after: float
    ratio: float | None
    interval: tuple[float, float] | None
    p_value: float
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The runs of one cell and phase of one scenario, oldest first.

    ``drift``: where a straight line says more than any step, the change of the logarithm (of the
    figure itself where one is 0) from one run to the next.
    """

    name: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    drift: float | None = None


def history(
    results: Path,
    *,
    scenario: str | None = None,
    metric: str = "wall",
    since: datetime | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Series, ...]:
    """Every series of the runs in a folder. Raises InputError where there is none such.

    A run that is corrupt is passed over, and ``say`` is told so.
    """
    if metric not in figures.METRICS:
        known = ", ".join(figures.METRICS)
        raise InputError(f"no metric is named {metric!r}", remedy=f"one of: {known}")
    at = index.signs(results)
    chosen = _chosen(_readable(heads.heads(results, at=at), say), results, scenario, since)
    summaries = figures.summaries(results, at=at)
    found: dict[str, list[_Placed]] = {}
    for head in chosen:
        summary = summaries[head.folder.name]
        if isinstance(summary, InputError):
            say(runs.passed_over(head.folder, summary.message))
            continue
        named = _named(head.scenario, summary.groups)
        for name, median_of in zip(named, summary.of(metric), strict=False):
            if median_of is not None:
                found.setdefault(name, []).append(_Placed(_point(head, *median_of), head))
    if not found:
        every = units.counted(len(chosen), "run")
        raise InputError(
            f"no build of {every} has a figure of {metric} and is fit to compare",
            remedy="`lab report RUN` says what disturbed them",
        )
    return tuple(_series(name, points) for name, points in sorted(found.items()))


@lru_cache(maxsize=1024)
def _named(scenario: str, groups: str) -> tuple[str, ...]:
    """What the series of a run's cells and phases are called."""
    return tuple(
        f"{scenario}: {cell_names.full(cell)}, {phase}" for cell, phase in figures.groups(groups)
    )


class _Placed(NamedTuple):
    point: Point
    head: Head


def _readable(known: Sequence[Head], say: Callable[[str], None]) -> list[Head]:
    """Those whose head can be read. Raises InputError where no head can."""
    for one in known:
        if one.unreadable:
            say(runs.passed_over(one.folder, one.unreadable))
    found = [one for one in known if not one.unreadable]
    if known and not found:
        runs.head(known[-1].folder)  # says what is wrong, and where
    return found


def _chosen(
    known: Sequence[Head], results: Path, scenario: str | None, since: datetime | None
) -> list[Head]:
    """The runs that are asked for, oldest first. Raises InputError where there is none."""
    if not known:
        raise InputError(
            f"there are no runs in {results}", remedy="`lab run --dockerfile Dockerfile` makes one"
        )
    chosen = [one for one in known if scenario in {None, one.scenario}]
    if not chosen:
        names = sorted({one.scenario for one in known})
        raise InputError(
            f"no run is of scenario {scenario!r}", remedy=f"one of: {', '.join(names)}"
        )
    recent = [one for one in chosen if one.since(since)]
    if not recent:
        raise InputError(
            f"none of {len(chosen)} runs began since {since:%Y-%m-%d %H:%M} UTC",
            remedy=f"the last one began at {chosen[-1].started}",
        )
    return recent


def _point(head: Head, middle: float, count: int) -> Point:
    return Point(
        run=head.id,
        started=head.started,
        median=middle,
        count=count,
        commit=head.origin.commit,
        branch=head.origin.branch,
        dirty=head.origin.dirty,
    )


def _series(name: str, placed: Sequence[_Placed]) -> Series:
    ordered = sorted(placed, key=lambda one: (one.point.started, one.point.run))
    medians = [one.point.median for one in ordered]
    found = change_points(medians)
    changes = []
    for split, earlier, later in found.sides(len(medians)):
        at, before, after = split.at, medians[earlier], medians[later]
        pair = ordered[at - 1 : at + 1]
        compared = stats.compare_unpaired(after, before) if min(*before, *after) > 0 else None
        changes.append(
            Change(
                at=at,
                before=median(before),
                after=median(after),
                ratio=None if compared is None else compared.ratio,
                interval=None if compared is None else compared.interval,
                p_value=split.p_value,
                beside=tuple(_beside(*(runs.head(one.head.folder) for one in pair))),
            )
        )
    return Series(
        name=name,
        points=tuple(one.point for one in ordered),
        changes=tuple(changes),
        drift=found.drift,
    )


def _beside(before: Run, after: Run) -> Iterator[str]:
    """What the heads of two runs say differently."""
    for name in ("kernel", "cpu_model", "cpus", "filesystem"):
        was, now = getattr(before.host, name), getattr(after.host, name)
        if was != now:
            yield f"{name} {was} -> {now}"
    old = {engine.name: engine.version for engine in before.engines}
    for engine in after.engines:
        if old.get(engine.name, engine.version) != engine.version:
            yield f"{engine.name} {old[engine.name]} -> {engine.version}"
    digests = {base.get("name"): base.get("digest") for base in before.bases}
    for base in after.bases:
        called = base.get("name")
        if called in digests and digests[called] != base.get("digest"):
            yield f"base {called} is another image"
    if before.scenario.sha256 != after.scenario.sha256:
        yield "the scenario's text"
    if before.lab != after.lab:
        yield f"lab {before.lab} -> {after.lab}"
