"""One picture of a comparison for Markdown: outcomes and wall times, drawn without a browser."""

from __future__ import annotations

import textwrap
from typing import Any

from lab.model import cell_names, units
from lab.report import vega_specs
from lab.report.chart_data import Band, ChartData
from lab.report.formatting import one_line
from lab.report.headline import Headline

GROUPS = 2  # a picture of more would not be read
LINE = 90  # letters of the title
WIDTH = 420  # pixels of the times' own chart
LEGEND = {"orient": "bottom", "direction": "horizontal", "title": "outcome of a step"}


def spec(found: ChartData, said: Headline) -> vega_specs.Spec | None:
    """The answer as its title, and the charts of the first groups; None where nothing was measured.

    It stands alone, as in a comment on a change request: legend and figures are in it.
    """
    parts = [_group(found, place) for place in range(min(GROUPS, len(found.groups)))]
    if not parts:
        return None
    more = len(found.groups) - len(parts)
    notes = [
        said.rest,
        f"shown: {len(parts)} of {len(found.groups)} groups of cells" if more else "",
    ]
    title = {
        "text": textwrap.wrap(said.answer, LINE) or [""],
        "subtitle": [line for note in notes for line in textwrap.wrap(note, LINE + 25)],
        "fontSize": 17,
        "subtitleFontSize": 13,
        "subtitleColor": vega_specs.LIGHT["soft"],
        "offset": 16,
    }
    whole: vega_specs.Spec = {"vconcat": parts, "spacing": 24, "title": title}
    drawn = vega_specs.chart(whole, vega_specs.LIGHT)
    del drawn["data"]  # each part has its own
    return drawn | {"background": "#ffffff", "padding": 16}


def _group(found: ChartData, group: int) -> vega_specs.Spec:
    columns = [one_line(name, 40) for name in found.columns]
    parts = [
        _with(
            _labelled(vega_specs.intervals(vega_specs.LIGHT, "seconds", columns, WIDTH)),
            band_rows(found, found.walls, group),
        ),
        _with(
            vega_specs.heat_map(vega_specs.LIGHT, columns, found.phases, LEGEND),
            heat_rows(found, group),
        ),
    ]
    title = one_line(cell_names.full(found.groups[group]), 160) or "all cells"
    return {
        "vconcat": [part for part in parts if part["data"]["values"]],
        "title": {"text": title},
        "spacing": 22,
        "resolve": {"scale": {"color": "independent"}},
    }


def _labelled(spec: vega_specs.Spec) -> vega_specs.Spec:
    """Intervals with their figures beside them: a picture has no tips."""
    inner = spec["spec"]
    medians = next(layer for layer in inner["layer"] if layer["mark"]["type"] == "tick")
    words = {"type": "text", "align": "left", "fontSize": 12, "color": vega_specs.LIGHT["ink"]}
    figures = {
        "transform": medians["transform"],
        "mark": words,
        "encoding": {
            "x": {"value": inner["width"] + 12},
            "y": medians["encoding"]["y"],
            "text": {"field": "tip"},
        },
    }
    return spec | {"spec": inner | {"layer": [*inner["layer"], figures]}}


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
