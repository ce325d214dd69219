"""The pages of a folder of runs: their list, a scenario's trend, a run's report, a live one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.model import cell_names, units
from lab.model.errors import InputError, LabError
from lab.report import (
    compose,
    html,
    live_state,
    run_filter,
    run_rows,
    trend_rows,
    vega_renderer,
    vega_specs,
)
from lab.report.formatting import one_line, spread
from lab.results import runs
from lab.results.heads import Head
from lab.results.stats import summary

PAGE = 100  # runs of the list
TREND = 1000  # runs, the latest: of more the dots would cover one another


def index(rows: run_rows.Rows, place: Path, query: Mapping[str, Sequence[str]]) -> str:
    """The list of runs that an address asks for, PAGE at a time."""
    known = rows.all()
    asked = run_filter.asked(query)
    found = run_filter.of(known, asked)
    wanted = query.get("page", ["1"])[0]
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(int(wanted) if re.fullmatch(r"[0-9]{1,6}", wanted) else 1, 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    return _page(
        "runs.html.j2",
        "runs of the lab",
        place=one_line(str(place), 300),
        asked=asked,
        choices=run_filter.choices(known, asked),
        total=len(known),
        rows=shown,
        live={row.link for row in shown if _is_live(row)},
        unread=rows.unread,
        found=len(found),
        page=page,
        pages=pages,
        query=asked.query,
        blocks={},
        scripts=[html.text("theme.js")],
    )


def _is_live(row: run_rows.Row) -> bool:
    return row.head.status == "partial" and live_state.read(row.head.folder) is not None


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


def trend(known: Sequence[Head], scenario: str, since: str) -> str:
    """The medians of a scenario's runs, the oldest first. Raises InputError where there is none."""
    at = run_filter.asked({"since": [since]})
    folders = [one.folder for one in known if one.scenario == scenario and one.since(at.at)]
    rows = trend_rows.with_changes(list(_trend(folders[-TREND:])))
    if not rows and not since:
        raise InputError(
            f"no run of a scenario {scenario!r} has builds", remedy="run it first, or name another"
        )
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    changes = any(row["kind"] == "change" for row in rows)
    spec = vega_specs.chart(vega_specs.trend(vega_specs.PAGE, cells, changes), vega_specs.PAGE)
    said = _counted(len({row["run"] for row in rows}), len(folders))
    return _page(
        "trend.html.j2",
        f"{one_line(scenario)}: trend",
        heading=one_line(scenario),
        said=at.wrong or said,
        answers=trend_rows.answers(rows) if rows else (),
        since=since,
        legend=(),
        blocks={"specs": {"trend": vega_renderer.compiled(spec)}, "data": rows},
        scripts=[vega_renderer.script(), *map(html.text, ("theme.js", "charts.js", "trend.js"))],
    )


def _counted(shown: int, known: int) -> str:
    return units.counted(shown, "run") if shown == known else f"{shown} of {known} runs, the latest"


def _page(template: str, title: str, **values: Any) -> str:
    return html.page(template, title=title, connect="'self'", form="'self'", **values)


def _trend(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        try:
            stored = runs.read(folder)
        except LabError:
            continue
        started = one_line(stored.run.started)
        known = stored.run.origin
        origin = [word for word in (known.short, known.branch) if word]
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
                "commit": one_line(" ".join(origin)),
                "tip": one_line(
                    f"{', '.join([folder.name, *origin])}: {phase}, {cell}: {said}", 300
                ),
            }
