"""What the charts show, as rows of numbers and clean text. Pure; drawn by lab.report.vega_specs.

A page holds them as arrays with their texts once, so that ten thousand builds stay small.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.dockerfile.instruction_text import untimed
from lab.model import units
from lab.model.record import Build
from lab.report.formatting import one_line, outcomes, percent, spread
from lab.results import comparison
from lab.results.stats import Summary, quantile
from lab.results.table import Group, Measure, StepRow, Table

LEAST = 0.0005  # seconds: of less a tile says nothing
POINTS = 40  # of one phase and column; more are drawn at even ranks
Causes = Mapping[tuple[str, int], str]
"""(a build's id, the index of a step) -> why it missed, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A step's outcomes in one phase and column."""

    group: int
    phase: int
    column: int
    order: int
    label: str
    outcome: str
    said: str
    counts: str
    duration: str
    seconds: float
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A phase's samples in one column: their median, its interval or else their range, points."""

    group: int
    phase: int
    column: int
    count: int
    median: float
    low: float
    high: float
    sure: bool
    points: tuple[float, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """All that is drawn. Tiles and bands name groups, phases and columns by their place."""

    axis: str
    columns: tuple[str, ...]
    phases: tuple[str, ...]
    groups: tuple[Mapping[str, str], ...]
    tiles: tuple[Tile, ...]
    walls: tuple[Band, ...]
    saved: tuple[Band, ...]
    sizes: tuple[Band, ...]
    builds: tuple[Build, ...] = ()
    causes: Causes = field(default_factory=dict)


def chart_data(table: Table, builds: Sequence[Build], causes: Causes | None = None) -> ChartData:
    """The charts of a comparison and of the builds that it compares."""
    known = causes or {}
    phases = tuple(dict.fromkeys(rows.phase for group in table.groups for rows in group.phases))
    samples = _samples(builds, table)
    bands: dict[str, list[Band]] = {name: [] for name in ("wall", "saved", "size")}
    tiles: list[Tile] = []
    why = _causes(builds, table.axis, known)
    for g, group in enumerate(table.groups):
        tiles += _tiles(g, group, phases, table, why)
        for rows in group.phases:
            p = phases.index(rows.phase)
            for c, measure in enumerate(rows.measures):
                for name, (summary, unit) in _measured(measure).items():
                    key = (*_rest(group.cell), rows.phase, measure.column, name)
                    if summary is not None:
                        bands[name].append(_band((g, p, c), summary, samples.get(key, ()), unit))
    return ChartData(
        axis=table.axis,
        columns=table.columns,
        phases=phases,
        groups=tuple(group.cell for group in table.groups),
        tiles=tuple(tiles),
        walls=tuple(bands["wall"]),
        saved=tuple(bands["saved"]),
        sizes=tuple(bands["size"]),
        builds=tuple(build for build in builds if build.cell.get(table.axis) in table.columns),
        causes=known,
    )


def _measured(measure: Measure) -> dict[str, tuple[Summary | None, Any]]:
    return {
        "wall": (measure.wall, units.seconds),
        "saved": (measure.saved, percent),
        "size": (measure.image_bytes, lambda value: units.size(round(value))),
    }


def _rest(cell: Mapping[str, str], without: str | None = None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in cell.items() if name != without))


def _samples(builds: Sequence[Build], table: Table) -> dict[tuple[Any, ...], list[float]]:
    found: dict[tuple[Any, ...], list[float]] = {}
    trials = {
        _trial(b): b.wall_s for b in builds if b.phase == comparison.COLD and b.status == "ok"
    }
    for build in builds:
        if build.status != "ok" or build.wall_s is None or table.axis not in build.cell:
            continue
        key = (*_rest(build.cell, table.axis), build.phase, build.cell[table.axis])
        found.setdefault((*key, "wall"), []).append(build.wall_s)
        if cold := trials.get(_trial(build)):
            found.setdefault((*key, "saved"), []).append(1 - build.wall_s / cold)
        if build.image is not None and build.image.size_bytes is not None:
            found.setdefault((*key, "size"), []).append(build.image.size_bytes)
    return found


def _trial(build: Build) -> tuple[Any, ...]:
    return (*_rest(build.cell), build.round)


def _band(
    place: tuple[int, int, int], summary: Summary, samples: Sequence[float], unit: Any
) -> Band:
    group, phase, column = place
    ordered = sorted(samples)
    if len(ordered) > POINTS:
        ordered = [quantile(ordered, rank / (POINTS - 1)) for rank in range(POINTS)]
    low, high = summary.interval or (summary.low, summary.high)
    return Band(
        group=group,
        phase=phase,
        column=column,
        count=summary.count,
        median=summary.median,
        low=low,
        high=high,
        sure=summary.interval is not None,
        points=tuple(float(f"{value:.4g}") for value in ordered),
        said=spread(summary, unit),
    )


def _tiles(
    g: int,
    group: Group,
    phases: Sequence[str],
    table: Table,
    why: Mapping[tuple[Any, ...], Counter[str]],
) -> list[Tile]:
    found = []
    for rows in group.phases:
        shown = [row for row in rows.steps if any(row.outcomes)]
        for order, (row, label) in enumerate(zip(shown, labels(shown), strict=True)):
            for c, (counts, duration) in enumerate(zip(row.outcomes, row.durations, strict=True)):
                if not counts:
                    continue
                place = (*_rest(group.cell), rows.phase, table.columns[c], row.stage)
                reasons: Counter[str] = Counter()
                for text in row.texts:
                    reasons.update(why.get((*place, text), ()))
                found.append(
                    Tile(
                        group=g,
                        phase=phases.index(rows.phase),
                        column=c,
                        order=order,
                        label=label,
                        outcome=next(iter(counts)) if len(counts) == 1 else "mixed",
                        said=_said(counts, duration),
                        counts=outcomes(counts),
                        duration=spread(duration, units.seconds),
                        seconds=duration.median if duration else 0.0,
                        cause="; ".join(one_line(text, 300) for text, _ in reasons.most_common(3)),
                    )
                )
    return found


def _said(counts: Mapping[str, int], duration: Summary | None) -> str:
    """What a tile says: the outcome, and the time where it took any."""
    one = len(counts) == 1
    said = str(next(iter(counts))) if one else f"hit {counts.get('hit', 0)}/{sum(counts.values())}"
    if duration is None or said == "skipped" or duration.median < LEAST:
        return said
    return f"{said} {units.seconds(duration.median)}"


def labels(steps: Sequence[StepRow]) -> list[str]:
    """What a chart calls each step: stage and instruction, and no two alike."""
    seen: Counter[str] = Counter()
    found = []
    for row in steps:
        text = one_line(f"{row.stage}: {untimed(row.instruction)}", 64)
        seen[text] += 1
        found.append(text if seen[text] == 1 else f"{text} #{seen[text]}")
    return found


def _causes(
    builds: Sequence[Build], axis: str, causes: Causes
) -> dict[tuple[Any, ...], Counter[str]]:
    found: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    if not causes:
        return found
    for build in builds:
        rest = _rest(build.cell, axis)
        for step in build.steps:
            if text := causes.get((build.id, step.index)):
                key = (*rest, build.phase, build.cell.get(axis), step.stage, step.instruction)
                found[key][text] += 1
    return found
