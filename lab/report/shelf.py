"""The pages of a folder of runs: their list, a scenario's trend, a run's report, a live one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab import report, runs, units
from lab.errors import InputError, LabError
from lab.record import Run
from lab.report import html, pictures, specs, underway
from lab.report.words import one_line, spread


def index(results: Path, asked: str) -> str:
    """The list of runs whose facts hold every word that is asked for."""
    rows = [_row(results / name) for name in reversed(runs.runs(results))]
    words = asked.lower().split()
    found = [
        row
        for row in rows
        if all(word in " ".join(map(str, row.values())).lower() for word in words)
    ]
    return _page(
        "runs.html.j2",
        "runs of the lab",
        place=str(results),
        asked=one_line(asked),
        total=len(rows),
        rows=found,
        blocks={},
        scripts=[html.text("theme.js")],
    )


def of_run(folder: Path) -> str:
    """A run's report, made of its records as they are now."""
    made = report.report(runs.read(folder))
    return html.render(made.sheet, made.figures)


def live(folder: Path) -> str:
    """The page that looks on at a build."""
    link = quote(folder.name)
    spec = specs.chart(specs.waterfall(specs.PAGE), specs.PAGE)
    return _page(
        "chart.html.j2",
        f"{one_line(folder.name)}: under way",
        heading=one_line(folder.name),
        said="asking ...",
        legend=("hit", "miss", "failed", "unknown"),
        blocks={
            "specs": {"waterfall": pictures.compiled(spec)},
            "data": {"from": f"/api/live/{link}", "report": f"/runs/{link}"},
        },
        scripts=[pictures.script(), *map(html.text, ("theme.js", "charts.js", "live.js"))],
    )


def trend(results: Path, scenario: str) -> str:
    """The medians of a scenario's runs, the oldest first. Raises InputError where there is none."""
    rows = list(_trend(results, scenario))
    if not rows:
        raise InputError(f"no run of a scenario {scenario!r} has builds")
    spec = specs.chart(specs.trend(specs.PAGE), specs.PAGE)
    return _page(
        "chart.html.j2",
        f"{one_line(scenario)}: trend",
        heading=one_line(scenario),
        said=f"{len({row['run'] for row in rows})} runs",
        legend=(),
        blocks={"specs": {"trend": pictures.compiled(spec)}, "data": rows},
        scripts=[pictures.script(), *map(html.text, ("theme.js", "charts.js", "trend.js"))],
    )


def _page(template: str, title: str, **values: Any) -> str:
    return html.page(template, title=title, connect="'self'", form="'self'", **values)


def _row(folder: Path) -> dict[str, Any]:
    link = quote(folder.name)
    try:
        run, builds = _head(folder)
    except InputError as error:
        told = {"status": f"unreadable: {one_line(error.message, 200)}", "live": False}
        blank = {"scenario": "", "trend": "", "builds": "", "engines": "", "started": ""}
        return {"id": one_line(folder.name), "link": link, **blank, **told}
    return {
        "id": one_line(run.id),
        "link": link,
        "scenario": one_line(run.scenario.name),
        "trend": quote(run.scenario.name, safe=""),
        "status": run.status,
        "live": run.status == "partial" and underway.read(folder) is not None,
        "builds": builds,
        "engines": one_line(", ".join(engine.name for engine in run.engines)),
        "started": one_line(run.started),
    }


def _head(folder: Path) -> tuple[Run, int]:
    """A run's head, and how many lines its builds have: a list of many runs reads no more."""
    try:
        run = Run.from_json(json.loads((folder / runs.RUN_FILE).read_bytes()))
        lines = folder / runs.BUILDS_FILE
        return run, lines.read_bytes().count(b"\n") if lines.exists() else 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{type(error).__name__}: {error}") from error


def _trend(results: Path, scenario: str) -> Iterator[dict[str, Any]]:
    for name in runs.runs(results):
        try:
            stored = runs.read(results / name)
        except LabError:
            continue  # the list of runs names it
        if stored.run.scenario.name != scenario or not stored.builds:
            continue
        made = report.report(stored)
        for group in made.table.groups:
            for order, rows in enumerate(group.phases):
                for measure in rows.measures:
                    if measure.wall is None:
                        continue
                    cell = one_line(" ".join([measure.column, *group.cell.values()]), 60)
                    said = spread(measure.wall, units.seconds)
                    yield {
                        "run": one_line(name),
                        "phase": one_line(rows.phase, 40),
                        "phase_order": order,
                        "cell": cell,
                        "value": measure.wall.median,
                        "said": said,
                        "tip": f"{name}\n{rows.phase}, {cell}: {said}",
                    }
