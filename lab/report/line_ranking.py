"""Which lines of a Dockerfile cost the most: the steps of all phases, the slowest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.dockerfile.instruction_text import untimed
from lab.model import units
from lab.report.formatting import one_line, spread
from lab.results.stats import Summary
from lab.results.table import Group, PhaseRows, Table

SHOWN = 12
OUTSIDE = "outside any line: context, waiting, export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one column spent on a line: its time in words, and the share of the wall time."""

    said: str
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a Dockerfile in one phase of one group (a place), and its cost in each column."""

    group: int
    where: str
    text: str
    costs: tuple[Cost | None, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The slowest lines of ``total``."""

    lines: tuple[Line, ...]
    total: int


NONE = Ranking(lines=(), total=0)


def ranking(table: Table, apart: tuple[str, ...]) -> Ranking:
    """Lines by the time of their slowest column; ``apart`` are the axes that groups differ in."""
    found = [
        line
        for place, group in enumerate(table.groups)
        for rows in group.phases
        for line in _lines(place, group, rows, table, apart)
    ]
    found.sort(key=lambda line: -line.seconds)
    return Ranking(lines=tuple(found[:SHOWN]), total=len(found))


def _lines(
    place: int, group: Group, rows: PhaseRows, table: Table, apart: tuple[str, ...]
) -> Iterator[Line]:
    cell = " ".join(f"{group.cell[axis]}" for axis in apart if axis in group.cell)
    where = one_line(f"{rows.phase}, {cell}" if cell else rows.phase, 60)
    walls = {one.column: one.wall.median for one in rows.measures if one.wall}
    times = [
        (one_line(f"{step.stage}: {untimed(step.instruction)}", 100), step.durations)
        for step in rows.steps
    ]
    outside = {one.column: one.unattributed for one in rows.measures}
    times.append((OUTSIDE, tuple(outside.get(column) for column in table.columns)))
    for text, durations in times:
        slowest = max((one.median for one in durations if one), default=0.0)
        if slowest > 0:
            costs = tuple(
                _cost(one, walls.get(column))
                for one, column in zip(durations, table.columns, strict=True)
            )
            yield Line(group=place, where=where, text=text, costs=costs, seconds=slowest)


def _cost(found: Summary | None, wall: float | None) -> Cost | None:
    if found is None:
        return None
    return Cost(said=spread(found, units.seconds), share=found.median / wall if wall else None)
