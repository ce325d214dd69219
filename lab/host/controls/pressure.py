"""Memory pressure: stress-ng holds memory while a run goes on, and ends with the lab."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

from lab.host import facts
from lab.host.process import found
from lab.host.usage import of_processes
from lab.model import units

if TYPE_CHECKING:
    from lab.host.controls.journal import Journal

Pressing = subprocess.Popen[bytes]
TAKEN_S = 20.0  # within this it must hold what it was asked to
ENOUGH = 0.9
LEFT = 0.9  # of the free memory; more would end in the kernel's killing of processes


def lacking() -> str | None:
    """Why memory cannot be put under pressure here."""
    for program in ("stress-ng", "setpriv", "unshare"):
        if found(program) is None:
            return f"no {program}: lab doctor --install"
    return None if os.geteuid() == 0 else "only root can end it with the lab for sure"


def press(size: int, journal: Journal) -> tuple[dict[str, Any], Pressing | None]:
    """Hold ``size`` bytes: the fields of a Control that tell what became of it, and the process.

    The journal's end kills the process; whoever called waits for it.
    """
    about: dict[str, Any] = {"name": "memory-pressure", "asked": units.size(size)}
    reason, free = lacking(), facts.memory_available()
    if reason is None and free is not None and size > LEFT * free:
        reason = f"only {units.size(free)} of memory are free"
    if reason is not None:
        return about | {"state": "unavailable", "reason": reason}, None
    # Whoever kills the lab kills setpriv's child, that the namespace, and that all in it.
    walls = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child"]
    work = ["stress-ng", "--quiet", "--vm", "1", "--vm-bytes", str(size), "--vm-keep"]
    process = subprocess.Popen(
        [*walls, "--mount-proc", *work, "--vm-hang", "0", "--vm-method", "write64"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    journal.process(process.pid)
    held, deadline = 0, time.monotonic() + TAKEN_S
    while held < ENOUGH * size and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        used = of_processes(process.pid)
        held = max(held, (used.memory_bytes or 0) if used else 0)
    if held < ENOUGH * size:
        reason = f"stress-ng held no more than {units.size(held)}"
        return about | {"state": "unavailable", "reason": reason}, process
    return about | {"state": "applied", "held": units.size(held)}, process
