"""A host's noise on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from lab import compare, units
from lab.calibration import Calibration
from lab.record import Run
from lab.report.terminal import console
from lab.report.words import one_line


def show(run: Run, found: Sequence[Calibration], stream: TextIO | None = None) -> None:
    """A table for each cell: what a comparison sees, by wall and by CPU time."""
    out = console(stream)
    out.print(Text(f"noise of {run.host.cpu_model or 'this host'}, run {run.id}", style="bold"))
    for cell in dict.fromkeys(compare.cell_words(one.cell) for one in found):
        inside = [one for one in found if compare.cell_words(one.cell) == cell]
        out.print()
        out.print(Text(one_line(cell, 300), style="bold underline"))
        out.print(_table(inside))
        left_out = sum(one.left_out for one in inside if one.metric == "wall")
        if left_out:
            out.print(
                Text(f"{left_out} disturbed builds are left out; --with-degraded takes them in")
            )
    out.print()
    for line in LEGEND:
        out.print(Text(line, style="dim"))


LEGEND = (
    "noise: standard deviation of one build, relative; seen in N rounds: the smallest slow-down",
    "that nine of ten comparisons of N paired rounds would tell; false alarms: of 1000 comparisons",
    "of the cell with itself, drawn from these pairs, at a confidence of 95 %.",
)


def _table(rows: Sequence[Calibration]) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    counts = next((one.noise.visible for one in rows if one.noise is not None), ())
    table.add_column("phase")
    for name in ("metric", "median", "pairs", "noise"):
        table.add_column(name, justify="right")
    for count, _ in counts:
        table.add_column(f"seen in {count}", justify="right")
    for name in ("false alarms", "itself"):
        table.add_column(name, justify="right")
    for one in rows:
        table.add_row(*(Text(cell) for cell in _cells(one, len(counts))))
    return table


def _cells(one: Calibration, columns: int) -> list[str]:
    median = units.MISSING if one.samples is None else units.seconds(one.samples.median)
    head = [one_line(one.phase, 24), one.metric, median]
    if one.noise is None:
        return [*head, "too few", *[units.MISSING] * (columns + 3)]
    seen = [units.MISSING if size is None else f"{size:.1%}" for _, size in one.noise.visible]
    alarms = f"{one.noise.false_alarms:.1%} of {one.noise.tries}"
    verdict = units.MISSING if one.itself is None else str(one.itself.verdict)
    return [*head, str(one.noise.count), f"{one.noise.spread:.1%}", *seen, alarms, verdict]
