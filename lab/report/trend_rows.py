"""A trend's rows with the places where its level changes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from lab.report import ratio_words
from lab.results.stats.change_points import change_points

Row = dict[str, Any]


def with_changes(rows: Sequence[Row]) -> list[Row]:
    """Rows of medians, the oldest first, and one of kind ``change`` for each change of a series."""
    series: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        series.setdefault((row["phase"], row["cell"]), []).append(row)
    changes = [change for found in series.values() for change in _changes(found)]
    tips = {(one["run"], one["phase"], one["cell"]): one["tip"] for one in changes}
    told = []
    for row in rows:
        tip = tips.get((row["run"], row["phase"], row["cell"]))
        told.append(row if tip is None else row | {"tip": f"{row.get('tip', '')}\n{tip}".strip()})
    return [*told, *changes]


def _changes(points: Sequence[Row]) -> list[Row]:
    values = [point["value"] for point in points]
    found = []
    for split, earlier, later in change_points(values).sides(len(values)):
        before, after = median(values[earlier]), median(values[later])
        first = points[split.at]
        said = ratio_words.change(after / before).removeprefix(ratio_words.TAKES)
        where = f"{first['phase']}, {first['cell']}"
        tip = f"from {first['run']} on: {where}: {said} (p = {split.p_value:.2g})"
        found.append(first | {"kind": "change", "tip": tip, "said": said})
    return found
