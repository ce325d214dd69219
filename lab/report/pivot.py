"""A pivot as plain text, Markdown-like columns that a pipe can take."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping

from lab.dockerfile.instruction_text import untimed
from lab.model import text_wrap, units
from lab.report import ratio_words
from lab.report.formatting import TIMES, one_line, spread
from lab.results.pivot import Cell, Pivot
from lab.results.pivot.figures import DELIMITER

GAP = "  "
NARROWEST = 24  # columns for the names of rows, even where the figures alone fill the terminal

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
    yield f"{found.metric} by {', '.join(found.rows)} and {', '.join(found.cols)}{versus}"
    for name, rows in found.tables.items():
        yield ""
        if name:
            yield one_line(name, 100)
        columns = [
            [one_line(column, 60), *(_cell(cells.get(column), found) for cells in rows.values())]
            for column in found.columns
        ]
        widths = [max(map(len, column)) for column in columns]
        room = max(text_wrap.width() - sum(width + len(GAP) for width in widths), NARROWEST)
        names = [_name(text, room) for text in (", ".join(found.rows), *rows)]
        width = max(len(part) for name in names for part in name)
        figures = [
            "".join(GAP + cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in zip(*columns, strict=True)
        ]
        for number, (parts, cells) in enumerate(zip(names, figures, strict=True)):
            yield (parts[0].ljust(width) + cells).rstrip()
            yield from parts[1:]
            if number == 0:
                yield GAP.join("-" * each for each in (width, *widths))
    if found.footnotes or found.notes:
        yield ""
    yield from (f"[{number}] {note}" for number, note in enumerate(found.footnotes, 1))
    yield from found.notes


def _name(text: str, room: int) -> list[str]:
    """What a row is called, in as many lines as it needs beside its figures."""
    shown = one_line(DELIMITER.join(map(untimed, text.split(DELIMITER))), 120)
    return textwrap.wrap(shown, room, subsequent_indent="    ", break_on_hyphens=False) or [""]


def _cell(cell: Cell | None, found: Pivot) -> str:
    if cell is None:
        return units.MISSING
    parts = [spread(cell.values, UNITS[found.unit])]
    if cell.versus is not None:
        held = cell.versus.interval
        within = f" ({ratio_words.ends(*held)})" if held is not None else ""
        parts.append(f"{TIMES}{cell.versus.ratio:.3f}{within} {cell.versus.verdict}")
    parts += [f"[{mark}]" for mark in cell.marks]
    return " ".join(parts)
