"""The report as one HTML file: no script, no address outside it, every foreign text escaped.

Charts are inline SVG made of numbers and escaped text only, by the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lab import compare, units
from lab.record import Build
from lab.report import Sheet
from lab.report.words import clean, one_line

if TYPE_CHECKING:
    from jinja2 import Template

WATERFALLS = 24
ROW = 16  # height of a bar and its gap, in SVG units
WIDTH = 640
OUTCOMES = frozenset({"hit", "miss", "failed", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step's time in a waterfall, in SVG units."""

    x: float
    y: int
    width: float
    kind: str
    label: str
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """One build's steps in time: the build whose wall is nearest to its cell's median."""

    title: str
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]


def render(sheet: Sheet, builds: Sequence[Build] = ()) -> str:
    """The report as a page that stands alone."""
    return _template().render(
        sheet=sheet, waterfalls=_waterfalls(builds), width=WIDTH, row=ROW, kind=_kind, bar=_bar
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lab.report", "."),
        autoescape=True,  # by name it would depend on the template's file ending
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _kind(cell: str) -> str:
    """The class of a step's cell: its outcome, or ``mixed``."""
    names = {part.split(" ", 1)[0] for part in cell.split(": ", 1)[0].split(", ")} & OUTCOMES
    return names.pop() if len(names) == 1 else "mixed" if names else "none"


def _bar(cell: str) -> tuple[str, str]:
    """A cell in its two parts: what counts, and in brackets the spread."""
    head, bracket, rest = cell.partition(" (")
    return head, bracket.strip() + rest


def _waterfalls(builds: Sequence[Build]) -> list[Waterfall]:
    alike: dict[str, list[Build]] = {}
    for build in builds:
        if build.status == "ok" and build.wall_s is not None and build.steps:
            name = f"{compare.cell_words(build.cell)}, {build.phase}"
            alike.setdefault(name, []).append(build)
    return [_waterfall(name, found) for name, found in list(alike.items())[:WATERFALLS]]


def _waterfall(name: str, builds: Sequence[Build]) -> Waterfall:
    middle = sorted(builds, key=lambda b: b.wall_s or 0.0)[(len(builds) - 1) // 2]
    wall = middle.wall_s or 1.0
    timed = [s for s in middle.steps if s.started_s is not None and s.duration_s is not None]
    bars = []
    for place, step in enumerate(timed):
        start = min(max(step.started_s or 0.0, 0.0), wall)
        length = min(step.duration_s or 0.0, wall - start)
        bars.append(
            Bar(
                x=round(start / wall * WIDTH, 2),
                y=place * ROW,
                width=round(max(length / wall * WIDTH, 1.0), 2),
                kind=step.outcome or "none",
                label=one_line(f"{step.stage}: {step.instruction}", 60),
                tip=f"{clean(step.instruction)}\n{units.seconds(step.duration_s)}",
            )
        )
    said = f"round {middle.round}, wall {units.seconds(wall)}, the median of {len(builds)}"
    shares: Mapping[float, float] = {share: wall * share for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    return Waterfall(
        title=f"{one_line(name)}: {said}",
        height=len(bars) * ROW,
        bars=tuple(bars),
        ticks=tuple((share * WIDTH, units.seconds(at)) for share, at in shares.items()),
    )
