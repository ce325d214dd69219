"""What a private engine has used, daemon and steps together: its group's word, or its processes'.

Both count from the engine's start; the difference of two readings is what happened between them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.host.cgroups import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds used so far, memory held now (bytes), seconds held back by a CPU quota so far.

    ``source`` says whose word it is; ``group`` is the engine's control group where it has one.
    """

    source: Literal["control group", "processes", "simulated"]
    cpu_s: float | None = None
    memory_bytes: int | None = None
    throttled_s: float | None = None
    group: Group | None = None


def read(group: Group | None, pid: int) -> Usage | None:
    """Of the group where it tells the CPU time, else of the process ``pid`` and what it began."""
    if group is not None and (cpu_s := group.cpu_s) is not None:
        return Usage(
            source="control group",
            cpu_s=cpu_s,
            memory_bytes=group.memory_bytes,
            throttled_s=group.throttled_s,
            group=group,
        )
    return of_processes(pid)


def of_processes(root: int, proc: Path = Path("/proc")) -> Usage | None:
    """A process and all that descend from it (proc_pid_stat(5)); None where it is gone.

    The time of an ended process stands in the parent that waited for it, so nothing is lost while
    the root lives and takes in its orphans, as the first process of a PID namespace does.
    """
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    known = {pid: fields for pid in _pids(proc) if (fields := _stat(proc / str(pid))) is not None}
    if root not in known:
        return None
    ticks = pages = 0
    for pid in _tree(root, {pid: int(fields[1]) for pid, fields in known.items()}):
        fields = known[pid]
        ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))
        pages += int(fields[21])
    return Usage(source="processes", cpu_s=ticks / tick, memory_bytes=pages * page)


def _pids(proc: Path) -> Iterable[int]:
    return [int(name) for name in os.listdir(proc) if name.isdecimal()]  # noqa: PTH208 (half the time of iterdir)


def _stat(folder: Path) -> list[str] | None:
    """The fields from the third, "state", on: the name before it may hold spaces and brackets."""
    try:
        text = (folder / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > 21 else None


def _tree(root: int, parents: dict[int, int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found
