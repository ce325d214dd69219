"""One `go build` as a page: its actions over time, drawn as the reports draw a build's steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.golang.bench import actions as graphs
from lab.golang.bench.actions import Action, critical_path
from lab.golang.bench.stages import GRAPH
from lab.host import disk
from lab.model import units
from lab.report import html, vega_renderer, vega_specs
from lab.report.formatting import one_line

SHOWN = 120  # bars that can still be read; the shortest are left out, and that is said

LEGEND = {"hit": "from Go's build cache", "miss": "run", "mixed": "run, on the critical path"}


def write(folder: Path, version: str) -> Path:
    """Draw the action graph that `lab bench stages` left in a folder, beside it."""
    graph = graphs.read((folder / GRAPH).read_text(encoding="utf-8"))
    return disk.write(folder, "stages.html", page(f"go build with {version}", graph))


def page(title: str, actions: Sequence[Action]) -> str:
    """The page of a build. It needs nothing beside itself."""
    drawn = rows(actions)
    left = sum(one.lasted_s > 0 for one in actions) - len(drawn)
    path = critical_path(actions)
    whole = units.seconds(max((one.end_s for one in actions), default=None))
    said = f"{whole} from the first action to the last; critical path "
    said += units.seconds(sum(one.lasted_s for one in path))
    if left > 0:
        said += f"; the {left} shortest actions are left out"
    spec = vega_specs.chart(vega_specs.waterfall(vega_specs.PAGE), vega_specs.PAGE)
    return html.page(
        "stages.html.j2",
        title=one_line(title),
        connect="'none'",
        form="'none'",
        heading=one_line(title),
        said=said,
        legend={
            "hit": "from Go's build cache",
            "miss": "run",
            "mixed": "run, on the critical path",
        },
        blocks={"specs": {"waterfall": vega_renderer.compiled(spec)}, "data": drawn},
        scripts=[vega_renderer.script(), *map(html.text, ("theme.js", "charts.js", "stages.js"))],
    )


def rows(actions: Sequence[Action]) -> list[dict[str, Any]]:
    """A row for each action that lasted, in the order of their starts."""
    on_path = {one.number for one in critical_path(actions)}
    longest = sorted((one for one in actions if one.lasted_s > 0), key=lambda one: -one.lasted_s)
    found = []
    for order, one in enumerate(sorted(longest[:SHOWN], key=lambda one: one.start_s)):
        name = "compile" if one.mode == "build" else one.mode
        label = one_line(f"{name} {one.package}", 60)
        worked = "mixed" if one.number in on_path else "miss"
        took = f"{units.seconds(one.lasted_s)}, from {units.seconds(one.start_s)}"
        cached = not one.ran and one.mode in {"build", "link"}
        cpu = "; from the cache" if cached else f"; CPU {units.seconds(one.user_s + one.system_s)}"
        found.append(
            {
                "label": label,
                "order": order,
                "outcome": "hit" if cached else worked,
                "start": one.start_s,
                "end": one.end_s,
                "tip": f"{label}: {took}{cpu}",
            }
        )
    return found
