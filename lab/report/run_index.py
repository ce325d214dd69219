"""The pages of a folder of runs: their list, a scenario's trend, a run's report, a live one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.model import cell_names, units
from lab.model.errors import InputError, LabError
from lab.model.record import Run
from lab.report import compose, html, live_state, trend_rows, vega_renderer, vega_specs
from lab.report.formatting import one_line, spread
from lab.results import runs
from lab.results.stats import summary

PAGE = 100  # runs of the list
TREND = 1000  # runs, the latest: of more the dots would cover one another


def index(results: Path, asked: str, page: int = 1) -> str:
    """The list of runs whose facts hold every word that is asked for, PAGE at a time."""
    rows = [_row(results / name) for name in reversed(runs.runs(results))]
    rows.sort(key=lambda row: str(row["started"]), reverse=True)  # a folder can have any name
    words = asked.lower().split()
    found = [
        row
        for row in rows
        if all(word in " ".join(map(str, row.values())).lower() for word in words)
    ]
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    return _page(
        "runs.html.j2",
        "runs of the lab",
        place=str(results),
        asked=one_line(asked),
        total=len(rows),
        rows=found[(page - 1) * PAGE : page * PAGE],
        found=len(found),
        page=page,
        pages=pages,
        query=quote(asked),
        blocks={},
        scripts=[html.text("theme.js")],
    )


def of_run(folder: Path) -> str:
    """A run's report, made of its records as they are now."""
    made = compose.from_run(runs.read(folder))
    return html.render(made.model, made.charts)


def live(folder: Path) -> str:
    """The page that watches a build."""
    link = quote(folder.name)
    spec = vega_specs.chart(vega_specs.waterfall(vega_specs.PAGE), vega_specs.PAGE)
    return _page(
        "chart.html.j2",
        f"{one_line(folder.name)}: under way",
        heading=one_line(folder.name),
        said="asking ...",
        legend=("hit", "miss", "failed", "unknown"),
        blocks={
            "specs": {"waterfall": vega_renderer.compiled(spec)},
            "data": {"from": f"/api/live/{link}", "report": f"/runs/{link}"},
        },
        scripts=[vega_renderer.script(), *map(html.text, ("theme.js", "charts.js", "live.js"))],
    )


def trend(results: Path, scenario: str) -> str:
    """The medians of a scenario's runs, the oldest first. Raises InputError where there is none."""
    folders = _of_scenario(results, scenario)
    rows = trend_rows.with_changes(list(_trend(folders[-TREND:])))
    if not rows:
        raise InputError(
            f"no run of a scenario {scenario!r} has builds", remedy="run it first, or name another"
        )
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    changes = any(row["kind"] == "change" for row in rows)
    spec = vega_specs.chart(vega_specs.trend(vega_specs.PAGE, cells, changes), vega_specs.PAGE)
    return _page(
        "chart.html.j2",
        f"{one_line(scenario)}: trend",
        heading=one_line(scenario),
        said=_counted(len({row["run"] for row in rows}), len(folders)) + _changed(rows),
        legend=(),
        blocks={"specs": {"trend": vega_renderer.compiled(spec)}, "data": rows},
        scripts=[vega_renderer.script(), *map(html.text, ("theme.js", "charts.js", "trend.js"))],
    )


def _counted(shown: int, known: int) -> str:
    return units.counted(shown, "run") if shown == known else f"{shown} of {known} runs, the latest"


def _changed(rows: Sequence[trend_rows.Row]) -> str:
    changes = sum(row["kind"] == "change" for row in rows)
    return f"; {units.counted(changes, 'change')} of level, dashed" if changes else ""


def _page(template: str, title: str, **values: Any) -> str:
    return html.page(template, title=title, connect="'self'", form="'self'", **values)


def _row(folder: Path) -> dict[str, Any]:
    link = quote(folder.name)
    try:
        run, builds = _head(folder)
    except InputError as error:
        unreadable = {"status": f"unreadable: {one_line(error.message, 200)}", "live": False}
        blank = {"scenario": "", "trend": "", "builds": "", "engines": "", "started": ""}
        return {"id": one_line(folder.name), "link": link, **blank, **unreadable}
    return {
        "id": one_line(folder.name),
        "link": link,
        "scenario": one_line(run.scenario.name),
        "trend": quote(run.scenario.name, safe=""),
        "status": run.status,
        "live": run.status == "partial" and live_state.read(folder) is not None,
        "builds": builds,
        "engines": one_line(", ".join(engine.name for engine in run.engines)),
        "started": one_line(_clock(run.started)),
    }


def _clock(started: str) -> str:
    """A time as people read it, to the second."""
    day, t, clock = started.partition("T")
    zone = "UTC" if clock.endswith(("Z", "+00:00")) else ""
    return f"{day} {clock[:8]} {zone}".rstrip() if t and zone else started


def _head(folder: Path) -> tuple[Run, int]:
    """A run's head, and how many builds it has: a list of many runs reads no more.

    Builds can be many megabytes a run. So their lines are counted only where the head, which a
    run's end writes, does not say how many there are.
    """
    try:
        run = Run.from_json(json.loads((folder / runs.RUN_FILE).read_bytes()))
        if run.status != "partial" and run.builds is not None:
            return run, run.builds
        lines = folder / runs.BUILDS_FILE
        return run, lines.read_bytes().count(b"\n") if lines.exists() else 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{type(error).__name__}: {error}", remedy="repair that run, or move it away"
        ) from error


def _of_scenario(results: Path, scenario: str) -> list[Path]:
    """The folders of a scenario's runs, the oldest first; those that cannot be read are passed over
    here and named by the list of runs."""
    found = []
    for name in runs.runs(results):
        try:
            run, _ = _head(results / name)
        except InputError:
            continue
        if run.scenario.name == scenario:
            found.append((run.started, results / name))
    return [folder for _, folder in sorted(found)]


def _trend(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        try:
            stored = runs.read(folder)
        except LabError:
            continue
        started = one_line(stored.run.started)
        walls: dict[tuple[str, str], list[float]] = {}
        for build in stored.counted:
            if build.status == "ok" and build.wall_s is not None:
                cell = cell_names.short(build.cell)
                walls.setdefault((build.phase, cell), []).append(build.wall_s)
        order = list(dict.fromkeys(phase for phase, _ in walls))
        for (phase, cell), found in walls.items():
            if (wall := summary(found)) is None:
                continue
            said = spread(wall, units.seconds)
            yield {
                "kind": "point",
                "run": one_line(folder.name),
                "date": started,
                "phase": one_line(phase, 40),
                "phase_order": order.index(phase),
                "cell": one_line(cell, 60),
                "value": wall.median,
                "said": said,
                "tip": one_line(f"{folder.name}: {phase}, {cell}: {said}", 300),
            }
