"""The report on a terminal of 80 columns; plain text into a pipe or with NO_COLOR."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from lab.model.text_wrap import WIDTH
from lab.report import fresh_caches
from lab.report.colours import BAD, DOUBT, GOOD, MARKED
from lab.report.group_table import shared_count
from lab.report.model import CAUSE, Grid, ReportModel

STYLES = {"hit": GOOD, "miss": DOUBT, "failed": BAD, "skipped": "dim", "differs": "bold"}


def show(model: ReportModel, stream: TextIO | None = None) -> None:
    """Print the whole report; lab.report.terminal_brief prints what fits a screen."""
    out = console(stream)
    out.print(Text(f"{model.title}: {model.status}", style="bold"))
    out.print(Text(model.headline.verdict, style="bold"))
    for line in model.headline.lines:
        out.print(Padding(Text(line), (0, 2)))
    out.print(Text(f"fitness: {model.headline.fit}", style="dim"))
    for answer in model.caches:
        out.print(Text(f"\ncaches of a fresh runner: {answer.title}", style="bold underline"))
        out.print(caches(answer.grid))
        _list(out, "", (*answer.notes, *fresh_caches.NOTES), "dim")
    for group in model.groups:
        out.print()
        out.print(Text(group.title, style="bold underline"))
        for grid in (group.phases, group.times):
            shown, said = shared_count(grid)
            out.print(_measures(shown))
            if said:
                out.print(Text(said, style="dim"))
        for phase, grid in group.steps:
            out.print(Text(f"steps of {phase}", style="bold"))
            out.print(_steps(grid))
    _bad(out, model)
    _list(out, "notes", model.footnotes, "dim")
    out.print(Text("\nwhat was compared, and on what", style="bold"))
    facts = RichTable.grid(padding=(0, 2))
    for name, text in model.facts:
        facts.add_row(Text(f"  {name}", style="dim"), Text(text))
    out.print(facts)
    out.print(Text("\nto repeat", style="bold"))
    for command in model.repeat:
        _to_paste(out, command)


def caches(grid: Grid) -> RichTable:
    """The first columns of a table of caches: what a screen of 80 columns has room for."""
    table = empty_table()
    shown = [grid.head.index(name) for name in ("cache", "a job", "against none", "hit rate")]
    shown += [grid.head.index(name) for name in ("fetched", "sent", "pays after")]
    for place in shown:
        table.add_column(grid.head[place], overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(row[place].replace(" (", "\n(", 1)) for place in shown))
    return table


def console(stream: TextIO | None = None) -> Console:
    """A console that treats text as text; into a pipe it is 80 columns wide and has no colour."""
    stream = stream or sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _bad(out: Console, model: ReportModel) -> None:
    _list(out, "expectations broken", model.broken, BAD)
    for failure in model.failures:
        out.print()
        out.print(Text(f"failed: {failure.title}", style="bold red"))
        out.print(Padding(Text(failure.message), (0, 2)))
        if failure.log_tail:
            out.print(Padding(Text(failure.log_tail, style="dim"), (0, 4)))
        if failure.replay:
            _to_paste(out, f"by hand: {failure.replay}")


def _to_paste(out: Console, command: str) -> None:
    """On one line, however long: a shell would take each part of it for a command."""
    out.print(Text(f"  {command}"), soft_wrap=True)


def _list(out: Console, title: str, lines: Iterable[str], style: str) -> None:
    found = list(lines)
    if found:
        out.print()
        out.print(Text(title, style="bold"))
    for line in found:
        out.print(Padding(Text(line, style=style), (0, 2)))


def _measures(grid: Grid) -> RichTable:
    """Phase and column share a place, median and spread two lines: so it fits 80 columns."""
    table = empty_table()
    table.add_column(f"{grid.head[0]}\n  {grid.head[1]}", overflow="fold")
    for name in grid.head[2:]:
        table.add_column(name, overflow="fold", justify="right")
    last = None
    for phase, column, *cells in grid.rows:
        label = Text(f"{phase}\n" if phase != last else "", style="bold")
        label.append(f"  {column}", style="not bold")
        shift = "\n" if phase != last else ""
        table.add_row(label, *(Text(shift + cell.replace(" (", "\n(", 1)) for cell in cells))
        last = phase
    return table


def _steps(grid: Grid) -> RichTable:
    table = empty_table()
    with_cause = CAUSE in grid.head
    columns = len(grid.head) - 3 - with_cause
    table.add_column("instruction", overflow="fold", ratio=2)
    for name in grid.head[2 : 2 + columns]:
        table.add_column(Text(name), overflow="fold", ratio=1)
    table.expand = columns > 0
    last = None
    for place, (stage, instruction, *cells) in enumerate(grid.rows):
        sign = "≠ " if place in grid.marked else "  "
        label: list[RenderableType] = [Text(stage, style="bold")] if stage != last else []
        label.append(_hanging(sign, instruction, "bold" if place in grid.marked else ""))
        if with_cause and cells[columns]:
            label.append(_hanging("    ", cells[columns], "dim"))
        shift = "\n" if stage != last else ""
        table.add_row(Group(*label), *(_outcome(shift, cell) for cell in cells[:columns]))
        last = stage
    return table


def _hanging(head: str, text: str, style: str) -> RichTable:
    """Text whose further lines stand below its first, not below its head."""
    line = RichTable.grid()
    line.add_column(width=len(head), no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(head, style=style), Text(text, style=style))
    return line


def _outcome(shift: str, cell: str) -> Text:
    style = (
        STYLES.get(cell.split(" ", 1)[0], "")
        if "," not in cell.split(":", maxsplit=1)[0]
        else MARKED
    )
    name, _, time = cell.partition(": ")
    text = Text(shift)
    text.append(name, style=style)
    if time:
        text.append("\n" + time, style="dim")
    return text


def empty_table() -> RichTable:
    """A table with one rule, below its head."""
    return RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
