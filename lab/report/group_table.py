"""The groups of a report as one table: what a pull request and a terminal show."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.report.model import Grid, ReportGroup, ReportModel

_COUNT = re.compile(r"(?:, )?\bn=(\d+)(?:, equal)?")


def axes(groups: Sequence[ReportGroup]) -> tuple[str, ...]:
    """The axes that set groups apart."""
    names = dict.fromkeys(name for group in groups for name in group.cell)
    return tuple(name for name in names if len({group.cell.get(name) for group in groups}) > 1)


def one_table(model: ReportModel) -> Grid:
    """One table of all groups; each row begins with what sets its group apart."""
    apart = axes(model.groups)
    head = model.groups[0].phases.head if model.groups else ()
    return Grid(
        head=(*apart, *head),
        rows=tuple(
            (*(group.cell.get(name, "") for name in apart), *row)
            for group in model.groups
            for row in group.phases.rows
        ),
    )


def shared_count(grid: Grid) -> tuple[Grid, str]:
    """The grid without counts where all are the same, and a sentence that says it once."""
    counts = {found for row in grid.rows for cell in row for found in _COUNT.findall(cell)}
    if len(counts) != 1:
        return grid, ""
    rows = tuple(tuple(_without(cell) for cell in row) for row in grid.rows)
    (count,) = counts
    without = "none where all builds are equal" if int(count) > 1 else "of which one build has none"
    said = f"n = {count} in every number; in brackets the range, {without}"
    return Grid(head=grid.head, rows=rows, marked=grid.marked), said


def _without(cell: str) -> str:
    left = _COUNT.sub("", cell).replace("()", "").replace("  ", " ").replace(" ,", ",")
    return left.strip()
