"""Runs over time: the trend of each cell and phase, and where it changed, by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from lab.model import cell_names
from lab.model.errors import InputError
from lab.model.record import Run
from lab.results import columns, runs, stats
from lab.results.pivot import fields
from lab.results.pivot.fields import METRICS
from lab.results.stats.change_points import change_points


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run's builds of one cell and phase: their median."""

    run: str
    started: str
    median: float
    count: int


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
    results: Path, *, scenario: str | None = None, metric: str = "wall"
) -> tuple[Series, ...]:
    """Every series of the runs in a folder. Raises InputError where there is none such."""
    if metric not in METRICS or metric == "duration":
        known = ", ".join(name for name in METRICS if name != "duration")
        raise InputError(f"no metric is named {metric!r}", remedy=f"one of: {known}")
    heads = columns.heads([results / name for name in runs.runs(results)])
    if not heads:
        raise InputError(f"there are no runs in {results}", remedy="lab run SCENARIO makes one")
    names = sorted({run.scenario.name for run, _ in heads})
    chosen = [one for one in heads if scenario in {None, one[0].scenario.name}]
    if not chosen:
        raise InputError(
            f"no run is of scenario {scenario!r}", remedy=f"one of: {', '.join(names)}"
        )
    by_id = {run.id: run for run, _ in chosen}
    sql = (
        "SELECT run, cell, phase, median(value), count(*) FROM (SELECT *, "  # noqa: S608 - fields of lab.results.pivot.fields
        f"CAST({METRICS[metric].sql} AS DOUBLE) AS value FROM builds "
        f"WHERE {columns.MEASURED_BUILDS} AND (fit IS NULL OR fit = 'fit')) "
        "WHERE value IS NOT NULL GROUP BY ALL"
    )
    found: dict[str, list[Point]] = {}
    with columns.opened(chosen, fields.read(METRICS[metric].parts)) as records:
        for run, cell, phase, middle, count in records.rows(sql):
            head = by_id[run]
            point = Point(run=run, started=head.started, median=middle, count=count)
            name = f"{head.scenario.name}: {cell_names.full(dict(sorted(cell.items())))}, {phase}"
            found.setdefault(name, []).append(point)
    if not found:
        raise InputError(
            f"no build of these {len(chosen)} runs has a figure of {metric} and is fit to compare",
            remedy="`lab report RUN` says what disturbed them",
        )
    return tuple(_series(name, points, by_id) for name, points in sorted(found.items()))


def _series(name: str, points: Sequence[Point], heads: Mapping[str, Run]) -> Series:
    ordered = sorted(points, key=lambda point: (point.started, point.run))
    medians = [point.median for point in ordered]
    found = change_points(medians)
    changes = []
    for split, earlier, later in found.sides(len(medians)):
        at, before, after = split.at, medians[earlier], medians[later]
        compared = stats.compare_unpaired(after, before) if min(*before, *after) > 0 else None
        changes.append(
            Change(
                at=at,
                before=median(before),
                after=median(after),
                ratio=None if compared is None else compared.ratio,
                interval=None if compared is None else compared.interval,
                p_value=split.p_value,
                beside=tuple(_beside(heads[ordered[at - 1].run], heads[ordered[at].run])),
            )
        )
    return Series(name=name, points=tuple(ordered), changes=tuple(changes), drift=found.drift)


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
