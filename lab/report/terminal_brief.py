"""The answer on a terminal in at most 40 lines of 80 columns: what `lab run` and `lab compare` end
with. What is left out is said; lab.report.terminal has all of it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from lab.model import units
from lab.report.colours import BAD, DOUBT, GOOD
from lab.report.group_table import axes, shared_count
from lab.report.model import Grid, ReportGroup, ReportModel
from lab.report.terminal import console, empty_table

LINES = 40
KEPT = 4  # of the notes and of broken expectations
RATIO = "against "  # how its column begins
STYLES = {"slower": BAD, "longer": BAD, "faster": GOOD, "less time": GOOD}


@dataclass(slots=True)
class Page:
    """What is printed so far, and how much room it leaves."""

    width: int
    parts: list[RenderableType]
    room: int = LINES

    def height(self, part: RenderableType) -> int:
        out = console(io.StringIO())
        out.width = self.width
        with out.capture() as taken:
            out.print(part)
        return taken.get().count("\n")

    def add(self, part: RenderableType, keep: int = 0) -> bool:
        """Add a part where it leaves ``keep`` lines."""
        height = self.height(part)
        if height + keep > self.room:
            return False
        self.room -= height
        self.parts.append(part)
        return True


def show(model: ReportModel, stream: TextIO | None = None, *, more: str) -> None:
    """Print the answer; ``more`` is where the rest is to be had."""
    out = console(stream)
    page = Page(out.width, [])
    page.add(Text(f"{model.title}: {model.status}", style="bold"))
    page.add(Text(model.headline.verdict, style="bold"))
    if model.headline.apart:
        page.add(Text(f"each by itself: {more}", style="dim"))
        out.print(*page.parts, sep="\n")
        return
    for text in _told(model):
        page.add(text, keep=12)
    left = list(_tables(model.groups, page))
    left += _others(model)
    if left:
        said = f"left out: {', '.join(left)}; {more}"
        page.add(Text(f"\n{said}", style="dim"))
    out.print(*page.parts, sep="\n")


def _told(model: ReportModel) -> Iterator[RenderableType]:
    """What makes the figures doubtful, and what went wrong."""
    if not model.headline.fit.startswith("fit"):
        yield Text(f"fitness {model.headline.fit}", style=DOUBT)
    for kind, lines in (("broken: ", model.broken), ("", model.doubts)):
        for line in lines[:KEPT]:
            bad = kind or line.startswith("failed: ")
            yield Padding(Text(f"{kind}{line}", style=BAD if bad else DOUBT), (0, 2))
        if len(lines) > KEPT:
            yield Padding(Text(f"and {len(lines) - KEPT} more", style="dim"), (0, 2))


def _tables(groups: Sequence[ReportGroup], page: Page) -> Iterator[str]:
    """The groups of cells that there is room for, of the first as many phases; what is left out."""
    apart = axes(groups)
    every = [_narrowed(group.phases) for group in groups]
    _, alike = shared_count(Grid(head=(), rows=tuple(row for one in every for row in one.rows)))
    for place, group in enumerate(groups):
        title = " ".join(f"{name}={group.cell[name]}" for name in apart if name in group.cell)
        last = place == len(groups) - 1
        phases = list(dict.fromkeys(row[0] for row in group.phases.rows))
        counts = range(len(phases), 0, -1) if place == 0 else (len(phases),)
        told = last or not alike  # where groups differ, each says its own count
        found = (_block(group.phases, phases[:count], title, told) for count in counts)
        fits = next((n for n, block in zip(counts, found, strict=True) if page.add(block, 4)), 0)
        if place == 0 and fits < len(phases):
            yield f"{len(phases) - fits} of {units.counted(len(phases), 'phase')}"
        if fits < len(phases):
            left = len(groups) - place - (place == 0 and fits > 0)
            if left:
                yield f"{left} of {units.counted(len(groups), 'group')} of cells"
            return


def _block(phases: Grid, wanted: Sequence[str], title: str, told: bool) -> RichTable:
    rows = tuple(row for row in phases.rows if row[0] in wanted)
    grid, said = shared_count(_narrowed(Grid(head=phases.head, rows=rows)))
    block = RichTable.grid()
    block.add_row(Text(f"\n{title}" if title else "", style="bold underline"))
    block.add_row(_table(grid))
    if said and told:
        block.add_row(Text(said, style="dim"))
    return block


def _narrowed(grid: Grid) -> Grid:
    """The columns that answer: names, wall time, hits, and the ratio where there is one."""
    ratio = next((name for name in grid.head if name.startswith(RATIO)), "time saved")
    places = [0, 1, *(grid.head.index(name) for name in ("wall", "hit rate", ratio))]
    return Grid(
        head=tuple(grid.head[at] for at in places),
        rows=tuple(tuple(row[at] for at in places) for row in grid.rows),
    )


def _table(grid: Grid) -> RichTable:
    """A line for each phase and column."""
    table = empty_table()
    table.padding = (0, 0, 0, 0)  # the ratio needs the room
    *names, hits, answer = grid.head
    ratios = answer.startswith(RATIO)
    sure = ratios and all("95 %: " in row[-1] or row[-1] == "baseline" for row in grid.rows)
    for name in names:
        table.add_column(name, overflow="fold")
    table.add_column(hits.removesuffix(" rate").replace("hit", "hits"), justify="right")
    table.add_column(f"{answer} (95 %)" if sure else answer, overflow="fold")
    before = None
    for phase, column, wall, rate, found in grid.rows:
        said = found.replace("95 %: ", "") if sure else found.replace(", no interval)", ")")
        shown = _coloured("" if said == "baseline" else said)
        label = Text(phase if phase != before else "", style="bold")
        table.add_row(label, Text(column), Text(wall), Text(rate.partition(" (")[0]), shown)
        before = phase
    return table


def _coloured(said: str) -> Text:
    head = said.partition(" (")[0]
    style = next((style for word, style in STYLES.items() if head.endswith(word)), "")
    return Text(said, style=style)


def _others(model: ReportModel) -> Iterator[str]:
    steps = sum(len(grid.rows) for group in model.groups for _, grid in group.steps)
    if steps:
        yield units.counted(steps, "line") + " of steps"
    yield "times and sizes"
    notes = len(model.footnotes) - min(len(model.doubts), KEPT)
    if notes > 0:
        yield units.counted(notes, "note")
    yield "the machine"
