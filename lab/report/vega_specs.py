"""Charts as Vega-Lite specifications: plain values, the same for the page and for a picture.

The page colours them with its own CSS variables, so that dark and light need no second chart; a
picture for Markdown takes the light colours as they are. Rows come from lab.report.chart_data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
OUTCOMES = ("hit", "miss", "mixed", "skipped", "failed")
LIGHT = {
    "ink": "#1d2329",
    "soft": "#59636d",
    "line": "#dfe3e7",
    "accent": "#2457c5",
    "median": "#1d2329",
    "on": "#ffffff",
    "hit": "#19744d",
    "miss": "#9a5b00",
    "mixed": "#6d45ad",
    "skipped": "#cdd5dc",
    "failed": "#b5322b",
    "unknown": "#4c5761",
    "c1": "#2457c5",
    "c2": "#c2410c",
    "c3": "#0f766e",
    "c4": "#7e22ce",
    "c5": "#be185d",
    "c6": "#4d7c0f",
    "c7": "#854d0e",
    "c8": "#475569",
}
COLUMNS = [name for name in LIGHT if re.fullmatch(r"c\d", name)]
"""The colours that tell columns apart, in the order of the columns."""
PAGE = {name: f"var(--{name})" for name in LIGHT}
SECONDS = (
    "datum.value < 0.9995 ? format(datum.value * 1000, '.3~g') + ' ms'"
    " : format(datum.value, '.3~g') + ' s'"
)
PERCENT = "format(datum.value * 100, '.3~g') + ' %'"
BYTES = "format(datum.value / 1e6, '.3~g') + ' MB'"
Unit = Literal["seconds", "share", "bytes"]
FEW = {"tickCount": 4, "labelOverlap": "parity", "labelSeparation": 6, "labelFlush": 16}
# Of a logarithm Vega takes every number from 1 to 9 for a tick, however few are asked for. 1 and 3
# stand about evenly apart, and where there is no room for both, every other one is a power of ten.
DECADES = {"values": [digit * 10**power for power in range(-6, 6) for digit in (1, 3)]}
NEAR = {
    "values": [
        f * 10**p for p in range(-6, 6) for f in (1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5, 6, 7, 8, 9)
    ]
}
WITHIN = "domain('x')[1] < 8 * domain('x')[0]"
SHARES = {"values": [-4, -2, -1, -0.5, 0, 0.5, 1]}  # 0 % is among them: nothing saved, nothing lost
AXES: Mapping[Unit, Spec] = {
    "seconds": {
        "scale": {"type": "log", "nice": False, "padding": 14},
        "axis": {"labelExpr": SECONDS} | FEW | DECADES,
    },
    "share": {"scale": {"zero": True}, "axis": {"labelExpr": PERCENT} | FEW | SHARES},
    "bytes": {"scale": {"zero": True, "nice": True}, "axis": {"labelExpr": BYTES} | FEW},
}
TITLES: Mapping[Unit, str] = {
    "seconds": "wall time, logarithmic",
    "share": "of the cold build's time",
    "bytes": "size",
}
TIP = {"tooltip": {"field": "tip"}, "description": {"field": "tip"}}
STEP_LABELS = 330  # pixels: the longest label of a step
TILE, LETTER = 84, 7.5  # pixels: the least width of a tile, the mean one of a bold letter
LONG = 12  # letters: names of columns beyond it take room from the marks beside them


def heat_map(
    colours: Mapping[str, str],
    columns: Sequence[str],
    phases: Sequence[str],
    legend: Spec | None = None,
) -> Spec:
    """Outcomes of steps: a row for each step, a column for each phase and value of the axis.

    A phase's tiles are as wide as its name, so that no two names run into one another.
    Rows: ``phase``, ``column``, ``label``, ``order``, ``outcome``, ``said``, ``tip``.
    """
    wide = max(map(len, columns), default=0) > 9
    title = LETTER * max(map(len, phases), default=0)
    least = 1 if len(columns) <= 2 else 2  # columns that a group or a filter leaves of them
    step = max(TILE, round(title / least))
    axis: Spec = {"title": None, "orient": "top", "domain": False, "ticks": False}
    axis |= {"labelAngle": -35 if wide else 0, "labelLimit": 130, "labelPadding": 4}
    by_place = {"field": "column_order", "op": "min"}
    x = {"field": "column", "type": "nominal", "sort": by_place, "axis": axis}
    y = {
        "field": "label",
        "type": "nominal",
        "sort": {"field": "order", "op": "min"},
        "axis": {"title": None, "labelLimit": STEP_LABELS, "domain": False, "ticks": False},
    }
    colour = {
        "field": "outcome",
        "type": "nominal",
        "scale": {"domain": list(OUTCOMES), "range": [colours[name] for name in OUTCOMES]},
        "legend": legend,
    }
    tile = {"type": "rect", "cornerRadius": 2, "stroke": colours["on"], "strokeWidth": 2}
    said = {"type": "text", "fontSize": 11, "aria": False}
    pale: Spec = {"test": "datum.outcome === 'skipped'", "value": colours["ink"]}
    ink: Spec = {"condition": pale, "value": colours["on"]}
    return {
        "facet": _phases("column", colours),
        "spec": {
            "width": {"step": step},
            "height": {"step": 23},
            "layer": [
                {"mark": tile, "encoding": {"x": x, "y": y, "color": colour, **TIP}},
                {
                    "mark": said,
                    "encoding": {"x": x, "y": y, "text": {"field": "said"}, "color": ink},
                },
            ],
        },
        "spacing": 10,
    }


def intervals(
    colours: Mapping[str, str], unit: Unit, columns: Sequence[str], width: int = 190
) -> Spec:
    """Samples as points over the interval of their median, and the median as a stroke.

    Rows of kind ``point``: ``phase``, ``column``, ``value``, ``tip``; of kind ``band`` also ``low``
    and ``high`` and, as ``value``, the median.
    """
    x = {"field": "value", "type": "quantitative", "title": TITLES[unit], **AXES[unit]}
    if unit == "seconds":  # within one decade 1 and 3 would leave an axis with one figure
        x["axis"] = x["axis"] | {
            "values": {"signal": f"{WITHIN} ? {NEAR['values']} : {DECADES['values']}"}
        }
    colour = {
        "field": "column",
        "type": "nominal",
        "legend": None,
        "scale": palette(columns, colours),
    }
    long = max(map(len, columns), default=0) > LONG
    room = 120 if long else 90
    y = {
        "field": "column",
        "type": "nominal",
        "sort": {"field": "column_order", "op": "min"},
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": room},
    }
    band = {"type": "rule", "strokeWidth": 6, "strokeCap": "round"}
    point = {"type": "circle", "size": 42, "opacity": 0.75}
    median = {"type": "tick", "thickness": 3, "size": 18, "color": colours["median"]}
    return {
        "facet": _phases("row", colours),
        "spec": {
            "width": width - 40 if long else width,
            "height": {"step": 24},
            "layer": [
                _only(
                    "band",
                    band | {"opacity": 0.3, "aria": False},
                    {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour},
                ),
                _only("point", point, {"x": x, "y": y, "color": colour, **TIP}),
                _only("band", median, {"x": x, "y": y, **TIP}),
            ],
        },
        "spacing": 6,
    }


def waterfall(colours: Mapping[str, str], width: int = 560) -> Spec:
    """One build's steps over time. Rows: ``label``, ``order``, ``outcome``, ``start``, ``end``."""
    names = [*OUTCOMES, "unknown"]
    colour = {
        "field": "outcome",
        "type": "nominal",
        "scale": {"domain": names, "range": [colours[name] for name in names]},
        "legend": None,
    }
    x: Spec = {"field": "start", "type": "quantitative", "title": "since the build began"}
    x |= {"scale": {"domainMin": 0}}
    y = {
        "field": "label",
        "type": "nominal",
        "sort": {"field": "order", "op": "min"},
        "axis": {"title": None, "labelLimit": STEP_LABELS, "grid": True, "domain": False},
    }
    return {
        "width": width,
        "height": {"step": 19},
        "mark": {"type": "bar", "height": 12, "cornerRadius": 2, "minBandSize": 2},
        "encoding": {
            "x": x | {"axis": {"orient": "top", "labelExpr": SECONDS}},
            "x2": {"field": "end"},
            "y": y,
            "color": colour,
            "stroke": colour,
            **TIP,
        },
    }


def trend(colours: Mapping[str, str], cells: Sequence[str], changes: bool) -> Spec:
    """Medians of a scenario's runs by date, and where the level changes.

    Rows of kind ``point``: ``run``, ``date`` (ISO 8601), ``phase``, ``cell``, ``value``, ``tip``;
    of kind ``change`` the same: the first run of another level. ``changes`` says that there is one
    such row: Vega warns of a layer without any.
    """
    legend = {"orient": "bottom", "columns": 3, "labelLimit": 360, "labelColor": colours["ink"]}
    legend |= {"symbolType": "circle"}
    kind = {"field": "cell", "type": "nominal", "title": None, "legend": legend}
    kind["scale"] = palette(cells, colours)
    line = {"type": "line", "aria": False, "strokeWidth": 1.5}
    point = {"type": "circle", "size": 22, "opacity": 1}
    # In a phase without one it would be a mark without a name; the run's point says the same.
    change = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 2, "aria": False}
    axis = {"labelOverlap": "parity", "labelSeparation": 8, "tickCount": 8, "grid": False}
    x = {"field": "date", "type": "temporal", "title": "start of the run", "axis": axis}
    y = {"field": "value", "type": "quantitative", "title": "median wall time", **AXES["seconds"]}
    # The runs of a phase are of one size: whole and third decades would leave its axis empty.
    near = {"grid": False, "labelOverlap": "greedy", "labelSeparation": 12} | NEAR
    y["axis"] = y["axis"] | near
    layers = [
        _only("point", line, {"x": x, "y": y, "color": kind}),
        _only("point", point, {"x": x, "y": y, "color": kind, **TIP}),
    ]
    if changes:
        said = {"tooltip": TIP["tooltip"]}
        layers.append(_only("change", change, {"x": x, "color": kind, **said}))
    return {
        "facet": _phases("row", colours),
        "spec": {"width": 1000, "height": 170, "layer": layers},
        "resolve": {"scale": {"y": "independent"}},
    }


def palette(columns: Sequence[str], colours: Mapping[str, str]) -> Spec:
    """A colour for each column, the same in every chart; beyond eight they begin anew."""
    found = [colours[COLUMNS[place % len(COLUMNS)]] for place in range(len(columns))]
    return {"domain": list(columns), "range": found}


def chart(spec: Spec, colours: Mapping[str, str], rows: Sequence[Mapping[str, Any]] = ()) -> Spec:
    """A whole specification: the chart, its rows, and how the lab's charts look."""
    return {
        "$schema": SCHEMA,
        "data": {"name": "rows", "values": list(rows)},
        "config": _look(colours),
        "background": None,
        **spec,
    }


def _only(kind: str, mark: Spec, encoding: Spec) -> Spec:
    return {
        "transform": [{"filter": f"datum.kind === '{kind}'"}],
        "mark": mark,
        "encoding": encoding,
    }


def _phases(where: str, colours: Mapping[str, str]) -> Spec:
    header: Spec = {"title": None, "labelColor": colours["ink"], "labelFontWeight": "bold"}
    if where == "row":
        header |= {"labelAngle": 0, "labelAlign": "left", "labelLimit": 112, "labelPadding": 6}
    field = {"field": "phase", "type": "nominal", "sort": {"field": "phase_order", "op": "min"}}
    return {where: field | {"header": header}}


def _look(colours: Mapping[str, str]) -> Spec:
    words = {"labelColor": colours["ink"], "titleColor": colours["soft"], "labelFontSize": 12}
    return {
        "font": "system-ui, 'DejaVu Sans', sans-serif",
        "axis": words
        | {
            "gridColor": colours["line"],
            "domainColor": colours["line"],
            "tickColor": colours["line"],
        },
        "title": {"color": colours["ink"], "anchor": "start", "fontSize": 13},
        "header": {"labelFontSize": 12},
        "view": {"stroke": None},
    }
