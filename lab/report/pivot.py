"""A pivot as plain text, Markdown-like columns that a pipe can take."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest

from lab.dockerfile.instruction_text import untimed
from lab.model import text_wrap, units
from lab.model.text_wrap import wrapped
from lab.report import ratio_words
from lab.report.formatting import TIMES, one_line, spread
from lab.results.pivot import Cell, Pivot
from lab.results.pivot.figures import DELIMITER

GAP = "  "
_AT = re.compile(r" (?=\()")  # where a figure and its spread can be parted
NARROWEST = 20  # columns for the names of rows, even where the figures alone fill the terminal

UNITS: Mapping[str, Callable[[float], str]] = {
    "seconds": units.seconds,
    "bytes": lambda value: units.size(round(value)),
    "share": units.percent,
}


def text(found: Pivot) -> str:
    """All tables, then the footnotes."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Pivot) -> Iterator[str]:
    versus = f", ratios to {found.baseline}" if found.baseline is not None else ""
    yield from wrapped(
        f"{found.metric} by {', '.join(found.rows)} and {', '.join(found.cols)}{versus}"
    )
    for name, rows in found.tables.items():
        yield ""
        if name:
            yield one_line(name, 100)
        yield from _table(found, rows)
    if found.footnotes or found.notes:
        yield ""
    for number, note in enumerate(found.footnotes, 1):
        yield from wrapped(f"[{number}] {note}")
    for note in found.notes:
        yield from wrapped(note)


def _table(found: Pivot, rows: Mapping[str, Mapping[str, Cell]]) -> Iterator[str]:
    """A row's cells stand in one line where all rows fit, else in as many as they have parts."""
    columns = [
        [[one_line(column, 60)], *(_parts(cells.get(column), found) for cells in rows.values())]
        for column in found.columns
    ]
    whole = [[[" ".join(parts)] for parts in cells] for cells in columns]
    low = [[[*_AT.split(parts[0]), *parts[1:]] for parts in cells] for cells in columns]
    if _fits(whole):
        columns = whole
    elif not _fits(columns):
        columns = low
    widths = _widths(columns)
    room = max(text_wrap.width() - sum(width + len(GAP) for width in widths), NARROWEST)
    names = [_name(text, room) for text in (", ".join(found.rows), *rows)]
    widths.insert(0, max(len(part) for name in names for part in name))
    for number, cells in enumerate(zip(names, *columns, strict=True)):
        for line in zip_longest(*cells, fillvalue=""):
            parts = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            yield GAP.join(parts).rstrip()
        if number == 0:
            yield GAP.join("-" * width for width in widths)


def _widths(columns: Sequence[Sequence[Sequence[str]]]) -> list[int]:
    return [max(len(part) for parts in cells for part in parts) for cells in columns]


def _fits(columns: Sequence[Sequence[Sequence[str]]]) -> bool:
    used = sum(len(GAP) + width for width in _widths(columns))
    return used + NARROWEST <= text_wrap.width()


def _name(text: str, room: int) -> list[str]:
    """What a row is called, in as many lines as it needs beside its figures."""
    shown = one_line(DELIMITER.join(map(untimed, text.split(DELIMITER))), 120)
    return textwrap.wrap(shown, room, subsequent_indent="    ", break_on_hyphens=False) or [""]


def _parts(cell: Cell | None, found: Pivot) -> list[str]:
    if cell is None:
        return [units.MISSING]
    parts = [spread(cell.values, UNITS[found.unit])]
    if cell.versus is not None:
        told = cell.versus
        parts += [f"{TIMES}{ratio_words.plain(told.ratio, told.interval)}", str(told.verdict)]
    parts[-1] = " ".join([parts[-1], *(f"[{mark}]" for mark in cell.marks)])
    return parts
