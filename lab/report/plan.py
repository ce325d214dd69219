"""A scenario's cells before anything is built: how many builds, and what would be skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.table import Table
from rich.text import Text

from lab.model import cell_names, units
from lab.report.colours import DOUBT
from lab.report.formatting import one_line
from lab.report.terminal import console
from lab.scenario.model import Scenario
from lab.scenario.plan import Trial


def show(scenario: Scenario, trials: Sequence[Trial], stream: TextIO | None = None) -> None:
    """Print one row a cell, in the order of the axes."""
    out = console(stream)
    cells = {trial.cell: trial for trial in trials}
    run = [trial for trial in trials if trial.skip is None]
    builds = sum(len(trial.phases) for trial in run)
    title = ": ".join(filter(None, (scenario.name, one_line(scenario.description, 300))))
    out.print(Text(title, style="bold"))
    most = "" if scenario.until is None else "up to "
    counted = f"{most}{units.counted(builds, 'build')}"
    said = [units.counted(len(cells), "cell"), _rounds(scenario), counted]
    out.print(f"{', '.join(said)}, seed {scenario.seed}")
    out.print(f"phases: {', '.join(scenario.phases)}")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    axes = [axis for axis, values in scenario.axes.items() if values != (cell_names.OWN,)]
    for axis in axes:
        table.add_column(axis, overflow="fold")
    table.add_column("skipped because", overflow="fold")
    for cell, trial in sorted(cells.items(), key=lambda pair: tuple(pair[0].axes.values())):
        words = [Text(cell.axes[axis]) for axis in axes]
        table.add_row(*words, Text(trial.skip or "", style=DOUBT))
    out.print(table)


def _rounds(scenario: Scenario) -> str:
    before = f" after {scenario.warm_up} to warm up" if scenario.warm_up else ""
    if scenario.until is None:
        return f"{units.counted(scenario.rounds, 'round')}{before}"
    return f"{scenario.until.least} to {scenario.rounds} rounds{before}"
