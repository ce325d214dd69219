"""A host's noise on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from lab.model import cell_names, units
from lab.model.record import Run
from lab.model.text_wrap import wrapped
from lab.report.colours import DOUBT
from lab.report.formatting import one_line
from lab.report.terminal import console
from lab.results.calibration import Calibration


def show(run: Run, found: Sequence[Calibration], stream: TextIO | None = None) -> None:
    """A table for each cell: what a comparison sees, by wall and by CPU time."""
    out = console(stream)
    out.print(Text(f"noise of {run.host.cpu_model or 'this host'}, run {run.id}", style="bold"))
    for cell in dict.fromkeys(cell_names.full(one.cell) for one in found):
        inside = [one for one in found if cell_names.full(one.cell) == cell]
        out.print()
        out.print(Text(one_line(cell, 300), style="bold underline"))
        out.print(_table(inside))
        left_out = sum(one.left_out for one in inside if one.metric == "wall")
        if left_out:
            out.print(
                Text(f"{left_out} disturbed builds are left out; --with-degraded takes them in")
            )
    fewest = min((one.noise.count for one in found if one.noise is not None), default=MANY)
    if fewest < MANY:
        out.print()
        said = f"only {fewest} pairs: with fewer than {MANY} these figures are rough"
        out.print(Text(f"{said}; `lab calibrate --rounds {MANY}` makes enough", style=DOUBT))
    tries = next((one.noise.tries for one in found if one.noise is not None), None)
    if tries is not None:
        out.print()
        for line in wrapped(LEGEND.format(tries=tries), hang=0):
            out.print(Text(line, style="dim"))


MANY = 8  # pairs; with so many, the figures may still be off by a third (docs/fitness.md)
LEGEND = (
    "noise: standard deviation of one build, relative; seen in N: the smallest slow-down that nine "
    "of ten comparisons of N paired rounds would tell; false alarms: of {tries} comparisons of the "
    "cell with itself, drawn from these pairs, at a confidence of 95 %; itself: the verdict of "
    "these pairs."
)


def _table(rows: Sequence[Calibration]) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, padding=0, show_edge=False, pad_edge=False)
    counts = next((one.noise.visible for one in rows if one.noise is not None), ())
    table.add_column("phase", no_wrap=True)
    for name in ("time", "median", "pairs", "noise"):
        table.add_column(name, justify="right", no_wrap=True)
    for count, _ in counts:
        table.add_column(f"seen\nin {count}", justify="right")
    for name in ("false\nalarms", "itself"):
        table.add_column(name, justify="right")
    above = None
    for one in rows:
        phase = "" if one.phase == above else one_line(one.phase, 18)
        table.add_row(*(Text(cell) for cell in (phase, *_cells(one, len(counts)))))
        above = one.phase
    return table


def _cells(one: Calibration, columns: int) -> list[str]:
    median = units.MISSING if one.samples is None else units.seconds(one.samples.median)
    if one.noise is None:
        return [one.metric, median, *[units.MISSING] * (columns + 3), "too few"]
    seen = [units.MISSING if size is None else f"{size:.1%}" for _, size in one.noise.visible]
    alarms = f"{one.noise.false_alarms:.1%}"
    verdict = units.MISSING if one.itself is None else str(one.itself.verdict)
    pairs, noise = str(one.noise.count), f"{one.noise.spread:.1%}"
    return [one.metric, median, pairs, noise, *seen, alarms, verdict]
