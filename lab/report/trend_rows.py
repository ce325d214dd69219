"""A trend's rows with the places where its level changes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from lab.model import units
from lab.report import ratio_words
from lab.results.stats.change_points import change_points

Row = dict[str, Any]
TOLD = 5  # places of change that are sentences; the chart and its table have all


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


def answers(rows: Sequence[Row]) -> list[str]:
    """What changed, in sentences, the latest first: ``podman: 25 % longer in cold builds, from
    RUN on (COMMIT)``. Without a change one sentence that says so.
    """
    places: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["date"], reverse=True):
        if row["kind"] == "change":
            places.setdefault((row["run"], row["cell"]), []).append(row)
    told = [_sentence(found) for found in places.values()]
    more = len(told) - TOLD
    if more > 0:
        told[TOLD:] = [f"{units.counted(more, 'earlier change')}, dashed in the chart."]
    return told or ["No change that stands out from chance."]


def _sentence(found: Sequence[Row]) -> str:
    """The changes of one cell that begin at one run, in the order of their phases."""
    first = found[0]
    ordered = sorted(found, key=lambda row: int(row["phase_order"]))
    said = ", ".join(f"{row['said']} {ratio_words.phase(row['phase'])}" for row in ordered)
    commit = f" ({first['commit']})" if first["commit"] else ""
    return f"{first['cell']}: {said}, from {first['run']} on{commit}."
