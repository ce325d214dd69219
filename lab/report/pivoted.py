"""A pivot as plain text, Markdown-like columns that a pipe can take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lab import units
from lab.pivot import Cell, Pivot
from lab.report.words import TIMES, one_line, spread

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
        head = [", ".join(found.rows), *(one_line(column, 60) for column in found.columns)]
        body = [
            [one_line(row, 80), *(_cell(cells.get(column), found) for column in found.columns)]
            for row, cells in rows.items()
        ]
        widths = [max(len(line[at]) for line in [head, *body]) for at in range(len(head))]
        for line in [head, ["-" * width for width in widths], *body]:
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
    if found.footnotes or found.notes:
        yield ""
    yield from (f"[{number}] {note}" for number, note in enumerate(found.footnotes, 1))
    yield from found.notes


def _cell(cell: Cell | None, found: Pivot) -> str:
    if cell is None:
        return units.MISSING
    parts = [spread(cell.values, UNITS[found.unit])]
    if cell.versus is not None:
        held = cell.versus.interval
        within = f" ({held[0]:.3f}\u2013{held[1]:.3f})" if held is not None else ""
        parts.append(f"{TIMES}{cell.versus.ratio:.3f}{within} {cell.versus.verdict}")
    parts += [f"[{mark}]" for mark in cell.marks]
    return " ".join(parts)
