"""Chart data as the page holds it: arrays of numbers, and each text once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.dockerfile.instruction_text import untimed
from lab.model import cell_names
from lab.model.record import Build, Step
from lab.report.chart_data import Band, Causes, ChartData
from lab.report.formatting import one_line
from lab.report.vega_specs import OUTCOMES

KINDS = (*OUTCOMES, "unknown")


class _Texts:
    def __init__(self) -> None:
        self.places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))

    def step(self, stage: str, text: str) -> int:
        """The place of a step's label."""
        return self.place(one_line(f"{stage}: {untimed(text)}", 64))


def packed(found: ChartData) -> dict[str, Any]:
    """Chart data as plain JSON; page/data.js reads what each array holds, in the same order."""
    texts = _Texts()
    place = texts.place
    groups = [
        {"title": one_line(cell_names.full(cell)) or "all cells", "cell": _clean(cell)}
        for cell in found.groups
    ]
    tiles = [
        [
            *(t.group, t.phase, t.column, t.order, place(t.label), KINDS.index(t.outcome)),
            *(place(t.said), place(t.counts), place(t.duration), _short(t.seconds), place(t.cause)),
        ]
        for t in found.tiles
    ]
    bands = {
        name: [_band(band, texts) for band in which]
        for name, which in {"wall": found.walls, "saved": found.saved, "size": found.sizes}.items()
    }
    builds = [row for build in found.builds if (row := _build(build, found, texts)) is not None]
    return {
        "axis": one_line(found.axis, 40),
        "columns": [one_line(name, 40) for name in found.columns],
        "phases": [one_line(name, 40) for name in found.phases],
        "groups": groups,
        "outcomes": list(KINDS),
        "tiles": tiles,
        "bands": bands,
        "builds": builds,
        "texts": list(texts.places),
    }


def _clean(cell: Mapping[str, str]) -> dict[str, str]:
    return {one_line(name, 40): one_line(value, 40) for name, value in cell.items()}


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _band(band: Band, texts: _Texts) -> list[Any]:
    numbers = [_short(value) for value in (band.median, band.low, band.high)]
    place = [band.group, band.phase, band.column, band.count]
    return [*place, *numbers, int(band.sure), band.points, texts.place(band.said)]


def _build(build: Build, found: ChartData, texts: _Texts) -> list[Any] | None:
    rest = {name: value for name, value in build.cell.items() if name != found.axis}
    if build.phase not in found.phases or rest not in found.groups:
        return None
    group = found.groups.index(rest)
    place = [group, found.phases.index(build.phase), found.columns.index(build.cell[found.axis])]
    steps: list[float] = []
    for step in build.steps:
        steps += _step(step, build.id, found.causes, texts)
    wall = None if build.wall_s is None else _short(build.wall_s)
    return [one_line(build.id, 160), *place, build.round, wall, build.status, steps]


def _step(step: Step, build_id: str, causes: Causes, texts: _Texts) -> list[float]:
    """Five numbers; a step of which no time is known is left out. Times in milliseconds."""
    if step.started_s is None or step.duration_s is None:
        return []
    cause = causes.get((build_id, step.index))
    return [
        texts.step(step.stage, step.instruction),
        KINDS.index(step.outcome or "unknown"),
        round(step.started_s * 1000),
        _short(step.duration_s * 1000),
        texts.place(one_line(cause, 300)) if cause else 0,
    ]
