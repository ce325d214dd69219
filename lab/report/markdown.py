"""The report for a pull request: the verdict, one table, one picture; the rest is folded away.

Every foreign text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lab.report import fresh_caches
from lab.report.group_table import one_table, shared_count
from lab.report.markdown_text import code, escape
from lab.report.model import Failure, Grid, ReportModel

# GitHub takes comments of 65,536 characters; what is not folded away and notes come first.
DETAILS = 40_000
ROWS = 60  # of the one table
NOTES = 30


def render(model: ReportModel, picture: str | None = None) -> str:
    """The report as GitHub-flavoured Markdown; ``picture`` is the name of one that lies beside."""
    return "\n".join(_lines(model, picture)).rstrip() + "\n"


def _lines(model: ReportModel, picture: str | None) -> Iterator[str]:
    yield f"# {escape(model.title)}: {escape(model.status)}\n"
    yield f"**{escape(model.headline.verdict)}**\n"
    for text in model.broken:
        yield f"- **expectation broken**: {escape(text)}"
    if model.broken:
        yield ""
    for one in model.caches:
        yield f"### Caches of a fresh runner: {escape(one.title)}\n"
        grid, said = shared_count(one.grid)
        yield from _table(grid)
        yield from (f"- {escape(text)}" for text in (said, *one.notes) if text)
        yield ""
    yield from (f"{escape(text)}\n" for text in (fresh_caches.NOTES if model.caches else ()))
    if model.groups:
        grid, said = shared_count(one_table(model))
        yield from _table(replace(grid, rows=grid.rows[:ROWS]))
        if len(grid.rows) > ROWS:
            yield f"The first {ROWS} of {len(grid.rows)} rows; all are in report.html.\n"
        yield from [f"{escape(said)}.\n"] * bool(said)
    if picture is not None:
        yield f"![outcomes of steps and wall times]({picture})\n"
    if model.failures:
        yield "## Failed builds\n"
    for failure in model.failures:
        yield from _failed(failure)
    facts = _table(Grid(head=("what", ""), rows=model.facts))
    yield from _folded("What was compared, and on what", facts)
    yield from _fitting(_details(model))
    if model.footnotes:
        yield "## Notes\n"
        yield from (f"- {escape(text)}" for text in model.footnotes[:NOTES])
        if len(model.footnotes) > NOTES:
            yield f"- {len(model.footnotes) - NOTES} more notes are in report.html"
        yield ""
    yield "## To repeat\n"
    yield code("\n".join(model.repeat))


def _details(model: ReportModel) -> Iterator[str]:
    for group in model.groups:
        name = escape(group.title)
        yield "\n".join(_folded(f"Where the time went: {name}", _table(group.times)))
    for group in model.groups:
        name = escape(group.title)
        for phase, grid in group.steps:
            count = len(grid.marked)
            said = f", differences: {count}" if count else ""
            yield "\n".join(_folded(f"Steps of {escape(phase)}: {name}{said}", _table(grid)))


def _fitting(blocks: Iterable[str]) -> Iterator[str]:
    """As many as a comment on a pull request has room for, and how many those are not."""
    room, left = DETAILS, 0
    for block in blocks:
        room -= len(block)
        if room < 0:
            left += 1
        else:
            yield block
    if left:
        said = "1 more table is" if left == 1 else f"{left} more tables are"
        yield f"{said} in report.html: a comment holds 65,536 characters.\n"


def _failed(failure: Failure) -> Iterator[str]:
    yield f"**{escape(failure.title)}**: {escape(failure.message)}\n"
    if failure.log_tail:
        yield code(failure.log_tail) + "\n"
    if failure.replay:
        yield "By hand:\n\n" + code(failure.replay) + "\n"


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>\n"
    yield from lines
    yield "</details>\n"


def _table(grid: Grid) -> Iterator[str]:
    yield _row(grid.head)
    yield "|" + " --- |" * len(grid.head)
    for place, row in enumerate(grid.rows):
        cells = [escape(cell, leading=False) for cell in row]
        yield (
            "| "
            + " | ".join(f"**{cell}**" if cell and place in grid.marked else cell for cell in cells)
            + " |"
        )
    yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
