"""A validation's verdicts and probes on a terminal: what is alike is said once, and fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from lab.report.colours import DOUBT, GOOD
from lab.report.formatting import flat
from lab.validate.matrix import BARE, TONES, Cell, Column, Row, Tone, Validation

STYLES: Mapping[Tone, str] = {
    "good": GOOD,
    "limit": DOUBT,
    "bad": "bold red",
    "none": "dim",
}
MISSING = Cell(word="\u2013")
_SHOWN = 3  # reasons of a verdict; the reports have all of them
_NAME, _LEAST, _MOST = 25, 6, 10  # characters of a row's name and of a column
_WHOLE = 20  # of a column where all have room


def verdicts(out: Console, one: Validation, *, reasons: bool) -> None:
    """One line for all pairs of the same verdict for the same reasons."""
    alike: dict[tuple[str, tuple[str, ...]], list[Column]] = {}
    for verdict in one.verdicts:
        alike.setdefault((verdict.word, verdict.why), []).append(verdict.column)
    for (word, why), columns in alike.items():
        line = Text(f"  {_words(columns, one.columns)}: ")
        line.append(word, style=STYLES[TONES[word]])
        out.print(line)
        shown = why if reasons else why[:_SHOWN]
        for text in shown:
            out.print(Padding(Text(flat(text), style="dim"), (0, 6)))
        if len(why) > len(shown):
            more = f"and {len(why) - len(shown)} more: --reasons lists them"
            out.print(Padding(Text(more, style="dim"), (0, 6)))


def probes(out: Console, one: Validation, *, reasons: bool) -> None:
    """The kernels alone, then for each engine what differs there; what is alike is a line."""
    alike = [row for row in one.rows if _alike(row, one.columns)]
    rest = [row for row in one.rows if row not in alike]
    for engine in dict.fromkeys(column.engine for column in one.columns):
        columns = [column for column in one.columns if column.engine == engine]
        _of_engine(out, engine, columns, rest)
    _same_everywhere(out, alike)
    if reasons:
        _reasons(out, rest, one.columns)
    elif rest:
        out.print(Text("\n--reasons says why of each cell; so does report.html", style="dim"))


def _of_engine(out: Console, engine: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """The rows of an engine that differ from the kernel alone, in tables that fit the width."""
    columns = [column for column in columns if any(column in row.cells for row in rows)]
    shown = [row for row in rows if any(_differs(row, column) for column in columns)]
    title = "kernel alone" if engine == BARE else f"other under {engine}"
    if columns and not shown:
        out.print(Text("\n" + flat(f"under {engine}: as the kernel alone"), style="bold"))
    whole = {column: _width(column, shown, _WHOLE) for column in columns}
    narrow = {column: _width(column, shown, _MOST) for column in columns}
    room = _NAME + 1 + sum(width + 1 for width in whole.values()) <= out.width
    for part in _fitting(whole if room else narrow, out.width):
        out.print()
        out.print(_table(title, part, shown))


def _same_everywhere(out: Console, rows: Sequence[Row]) -> None:
    """The names of rows by their group and their one answer."""
    for group, words in _by_group(rows).items():
        out.print(Text("\n" + flat(f"{group}, the same in every column"), style="bold"))
        for word, (names, tone) in words.items():
            line = Text(flat(f"{word}: "), style=STYLES[tone])
            out.print(Padding(line.append(flat(", ".join(names)), style=""), (0, 2)))


def _alike(row: Row, columns: Sequence[Column]) -> bool:
    """Whether a row says the same in all columns, and nothing that one has to look at."""
    cells = [row.cells.get(column, MISSING) for column in columns]
    return all(
        cell.word == cells[0].word and cell.tone == cells[0].tone and cell.tone in {"good", "none"}
        for cell in cells
    )


def _differs(row: Row, column: Column) -> bool:
    """Whether a cell says more than the kernel alone does."""
    cell, bare = row.cells.get(column), row.cells.get(Column(column.kernel))
    if cell is None:
        return False
    return bare is None or column.engine == BARE or (cell.word, cell.tone) != (bare.word, bare.tone)


def _by_group(rows: Sequence[Row]) -> dict[str, dict[str, tuple[list[str], Tone]]]:
    found: dict[str, dict[str, tuple[list[str], Tone]]] = {}
    for row in rows:
        cell = next(iter(row.cells.values()))
        words = found.setdefault(row.group, {})
        words.setdefault(cell.word, ([], cell.tone))[0].append(row.name)
    return found


def _fitting(widths: Mapping[Column, int], width: int) -> Iterator[Mapping[Column, int]]:
    """The columns and their widths in parts that fit beside the rows' names."""
    part: dict[Column, int] = {}
    for column, wide in widths.items():
        if part and _NAME + 1 + sum(part.values()) + len(part) + wide > width:
            yield part
            part = {}
        part[column] = wide
    if part:
        yield part


def _width(column: Column, rows: Sequence[Row], most: int) -> int:
    words = [len(row.cells.get(column, MISSING).word) for row in rows]
    return min(max(_LEAST, len(column.kernel), *words), most)


def _head(name: str, width: int) -> Text:
    """A column's name in lines that end behind a mark, not inside a word."""
    lines = [""]
    for piece in re.findall(r"[^:,=./_-]*[:,=./_-]|[^:,=./_-]+", name):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return Text("\n".join(lines))


def _table(title: str, columns: Mapping[Column, int], rows: Sequence[Row]) -> RichTable:
    table = RichTable(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(flat(title), width=_NAME, overflow="fold")
    for column, width in columns.items():
        table.add_column(_head(flat(column.kernel), width), width=width, overflow="fold")
    group = None
    for row in rows:
        if not any(column in row.cells for column in columns):
            continue
        if row.group != group:
            group = row.group
            table.add_row(Text(flat(group), style="bold underline"))
        cells = [row.cells.get(column, MISSING) for column in columns]
        texts = [Text(flat(cell.word), style=STYLES[cell.tone]) for cell in cells]
        table.add_row(Text(flat(row.name)), *texts)
    return table


def _reasons(out: Console, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Why of every cell that is not good, those of one reason together."""
    out.print()
    out.print(Text("reasons", style="bold"))
    for row in rows:
        alike: dict[tuple[str, str, Tone], list[Column]] = {}
        for column in columns:
            cell = row.cells.get(column)
            if cell is not None and cell.why and cell.tone != "good":
                alike.setdefault((cell.word, cell.why, cell.tone), []).append(column)
        for (word, why, tone), where in alike.items():
            line = Text(flat(f"{row.name}: "))
            line.append(flat(word), style=STYLES[tone])
            line.append(flat(f" on {_words(where, columns)}: {why}"))
            out.print(Padding(line, (0, 2)))


def _words(some: Sequence[Column], of: Sequence[Column]) -> str:
    """Columns in few words: all of them, or kernels, each with its engines."""
    if len(some) == len(of) and len(of) > 1:
        return f"all {len(of)} pairs of kernel and engine"
    kernels: dict[str, list[str]] = {}
    for column in some:
        kernels.setdefault(column.kernel, []).append(column.engine)
    parts: dict[tuple[str, ...], list[str]] = {}
    for kernel, engines in kernels.items():
        parts.setdefault(tuple(engines), []).append(kernel)
    return "; ".join(_part(engines, names) for engines, names in parts.items())


def _part(engines: Sequence[str], kernels: Sequence[str]) -> str:
    on = ", ".join(flat(one) for one in kernels)
    if tuple(engines) == (BARE,):
        return on
    return f"{on} {' and '.join('alone' if one == BARE else flat(one) for one in engines)}"
