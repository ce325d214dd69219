"""A fleet in tables: its workers, and which cells go to which of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.table import Table
from rich.text import Text

from lab.report.colours import DOUBT
from lab.report.formatting import one_line
from lab.report.terminal import console
from lab.runner.fleet.placement import Placement

_MOST = 200  # rows of cells


def show_workers(
    workers: Sequence[Mapping[str, Any]],
    doing: Mapping[str, Mapping[str, Any]],
    stream: TextIO | None = None,
) -> None:
    """A few lines a worker: what it is, and what it does now."""
    out = console(stream)
    for one in workers:
        host, level = one["host"], one["cpu_level"]
        facts = {
            "kernel": host["kernel"],
            "glibc": host["glibc"],
            "cpu": host["cpu_model"]
            and f"{host['cpu_model']}{f', level {level}' if level else ''}",
            "cores": host["cpus"],
            "cgroup": host["cgroup"],
            "filesystem": host["filesystem"],
            "site": ", ".join(one["sites"]) or None,
            "engine": ", ".join(
                f"{told['name']} {told['version']} ({told['storage']})" for told in one["engines"]
            ),
            "slots": one["slots"],
        }
        state = doing.get(one["name"])
        out.print(Text(one_line(one["name"], 100), style="bold"), Text(_does(state)))
        for name, fact in facts.items():
            out.print(Text(f"  {name:11}{one_line('-' if fact is None else str(fact), 300)}"))


def _does(state: Mapping[str, Any] | None) -> str:
    if state is None:
        return "does not answer"
    if not state.get("run"):
        return "idle"
    return f"{state['run']}: {'; '.join(state['doing']) or 'between builds'}"


def show_placement(placed: Placement, stream: TextIO | None = None) -> None:
    """One row a cell: the hosts that can build it, or why none can."""
    out = console(stream)
    table = _table("cell", "can be built on", "not placed because")
    rows = [
        (cell.words, ", ".join(group.hosts), "") for group in placed.groups for cell in group.cells
    ]
    rows += [(cell.words, "", reason) for cell, reason in placed.nowhere.items()]
    for cell, hosts, reason in rows[:_MOST]:
        table.add_row(cell, hosts, Text(one_line(reason, 400), style=DOUBT))
    out.print(table)
    if len(rows) > _MOST:
        out.print(f"and {len(rows) - _MOST} more")
    for text in placed.split:
        out.print(Text(text, style=DOUBT))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
