"""One picture of a comparison for Markdown: outcomes and wall times, drawn without a browser."""

from __future__ import annotations

from typing import Any

from lab.model import cell_names, units
from lab.report import vega_specs
from lab.report.chart_data import Band, ChartData
from lab.report.formatting import one_line

GROUPS = 3  # a picture of more would not be read


def spec(found: ChartData) -> vega_specs.Spec | None:
    """The charts of the first groups, side by side; None where nothing was measured."""
    parts = [_group(found, place) for place in range(min(GROUPS, len(found.groups)))]
    if not parts:
        return None
    more = len(found.groups) - len(parts)
    whole: vega_specs.Spec = {"vconcat": parts, "spacing": 24}
    if more:
        whole["title"] = f"the first {len(parts)} of {len(found.groups)} groups of cells"
    drawn = vega_specs.chart(whole, vega_specs.LIGHT)
    del drawn["data"]  # each part has its own
    return drawn | {"background": "#ffffff", "padding": 12}


def _group(found: ChartData, group: int) -> vega_specs.Spec:
    parts = [
        _with(
            vega_specs.heat_map(vega_specs.LIGHT, found.columns, found.phases),
            heat_rows(found, group),
        ),
        _with(
            vega_specs.intervals(vega_specs.LIGHT, "seconds", found.columns, 260),
            band_rows(found, found.walls, group),
        ),
    ]
    title = one_line(cell_names.full(found.groups[group]), 160) or "all cells"
    return {
        "hconcat": [part for part in parts if part["data"]["values"]],
        "title": {"text": title},
        "spacing": 30,
    }


def _with(spec: vega_specs.Spec, rows: list[dict[str, Any]]) -> vega_specs.Spec:
    return {"data": {"values": rows}, **spec}


def heat_rows(found: ChartData, group: int) -> list[dict[str, Any]]:
    """The rows of a group's heat map, as page/data.js makes them."""
    return [
        {
            "phase": one_line(found.phases[tile.phase], 40),
            "phase_order": tile.phase,
            "column": one_line(found.columns[tile.column], 40),
            "column_order": tile.column,
            "label": tile.label,
            "order": tile.order,
            "outcome": tile.outcome,
            "said": tile.said,
            "tip": f"{tile.label}: {tile.counts}",
        }
        for tile in found.tiles
        if tile.group == group
    ]


def band_rows(found: ChartData, bands: tuple[Band, ...], group: int) -> list[dict[str, Any]]:
    """The rows of a group's intervals, as page/data.js makes them."""
    rows: list[dict[str, Any]] = []
    for band in bands:
        if band.group != group:
            continue
        place = {
            "phase": one_line(found.phases[band.phase], 40),
            "phase_order": band.phase,
            "column": one_line(found.columns[band.column], 40),
            "column_order": band.column,
        }
        ends = {"low": band.low, "high": band.high, "value": band.median, "tip": band.said}
        rows.append(place | ends | {"kind": "band"})
        rows += [
            place | {"kind": "point", "value": point, "tip": units.seconds(point)}
            for point in band.points
        ]
    return rows
