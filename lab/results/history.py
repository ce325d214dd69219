"""Runs over time: the trend of each cell and phase, and where it changed. DuckDB reads the records.

A change point is where Pettitt's statistic is largest (Applied Statistics 28, 1979: ranks, no
distribution assumed); how sure it is comes from seeded permutations of the same runs. What stands
before and after it is searched on (binary segmentation), each search with its share of the error.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import median

from lab.model import cell_names
from lab.model.errors import InputError
from lab.model.record import Run
from lab.results import columns, runs, stats
from lab.results.pivot import fields
from lab.results.pivot.fields import METRICS

ERROR = 0.05
PERMUTATIONS = 1999
FEWEST = 3  # runs on each side of a change
# Of seven runs the clearest change is as clear in 2 of their 35 splits into 3 and 4: by chance
# alone in more than ERROR.
ENOUGH = 8
SEED = 1


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
    runs. ``p_value`` is how often runs in no order would show as much. ``beside`` names
    what else of host, engine and scenario is new in that run.
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
    """The runs of one cell and phase of one scenario, oldest first."""

    name: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...]


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
    found = change_points([point.median for point in ordered])
    changes = []
    for begin, at, end, p_value in found:
        before = [point.median for point in ordered[begin:at]]
        after = [point.median for point in ordered[at:end]]
        compared = stats.compare_unpaired(after, before) if min(*before, *after) > 0 else None
        changes.append(
            Change(
                at=at,
                before=median(before),
                after=median(after),
                ratio=None if compared is None else compared.ratio,
                interval=None if compared is None else compared.interval,
                p_value=p_value,
                beside=tuple(_beside(heads[ordered[at - 1].run], heads[ordered[at].run])),
            )
        )
    return Series(name=name, points=tuple(ordered), changes=tuple(changes))


def change_points(values: Sequence[float]) -> list[tuple[int, int, int, float]]:
    """Where a series changes: (where its part begins, first place after it, where it ends, p)."""
    rng = random.Random(SEED)
    return sorted(_split(values, 0, len(values), ERROR, rng), key=lambda one: one[1])


def _split(
    values: Sequence[float], begin: int, end: int, error: float, rng: random.Random
) -> Iterator[tuple[int, int, int, float]]:
    if end - begin < 2 * FEWEST:
        return
    ranks = _ranks(values[begin:end])
    at, height = _pettitt(ranks)
    shuffled, reached = list(ranks), 0
    for _ in range(PERMUTATIONS):
        rng.shuffle(shuffled)
        reached += _pettitt(shuffled)[1] >= height
    p_value = (reached + 1) / (PERMUTATIONS + 1)
    if p_value > error:
        return
    yield begin, begin + at, end, p_value
    # Halving keeps the whole error of a series without a change at ERROR: it takes one search.
    yield from _split(values, begin, begin + at, error / 2, rng)
    yield from _split(values, begin + at, end, error / 2, rng)


def _pettitt(ranks: Sequence[float]) -> tuple[int, float]:
    """The place after which ranks are most unlike those before, and how unlike."""
    count = len(ranks)
    sums = list(accumulate(ranks))
    heights = [abs(2 * sums[at - 1] - at * (count + 1)) for at in range(FEWEST, count - FEWEST + 1)]
    best = max(range(len(heights)), key=heights.__getitem__)
    return best + FEWEST, heights[best]


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the middle of theirs."""
    ordered = sorted(values)
    first: dict[float, int] = {}
    for place, value in enumerate(ordered):
        first.setdefault(value, place)
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]


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
