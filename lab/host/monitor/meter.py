"""The readings before and after a build: what it used, and what the machine did meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any, Self

from lab.host.cgroups import Group
from lab.host.monitor import fitness, machine
from lab.host.monitor.machine import Reading
from lab.host.usage import Usage

EVERY_S = 0.05  # between two readings of the memory of a control group
EVERY_TREE_S = 0.25  # of a process tree, which costs a millisecond or more to walk


class Meter:
    """What happens between ``begin`` and the last ``end``; where it never began, nothing is known.

    ``here``: the engine works on this machine, so that the machine's own figures say something.
    Leaving the meter stops its thread.
    """

    def __init__(self, usage: Callable[[], Usage | None], *, here: bool = False) -> None:
        self._usage, self._here = usage, here
        self._used: tuple[Usage | None, Usage | None] = (None, None)
        self._seen: tuple[Reading | None, Reading | None] = (None, None)
        self._peak: int | None = None
        self.evicted: int | None = None
        self.page_cache: str | None = None  # what a control made of it: dropped or warmed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """The build's clock is about to start."""
        seen = machine.read(_group(self._usage())) if self._here else None
        used = self._usage()
        self._used, self._seen = (used, None), (seen, None)
        if used is not None and used.memory_bytes is not None:
            self._note(used)
            tree = used.source == "processes"
            self._thread = threading.Thread(
                target=self._watch, args=(EVERY_TREE_S if tree else EVERY_S,), daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """The build has ended, or a part of it has: what comes later is counted until then."""
        used = self._usage()
        self._note(used)
        self._used = (self._used[0], used)
        if self._seen[0] is not None:
            self._seen = (self._seen[0], machine.read(_group(used)))

    @property
    def cpu_s(self) -> float | None:
        """CPU seconds of the engine and its steps."""
        found: float | None = _more(*self._used, "cpu_s")
        return found

    @property
    def peak_memory_bytes(self) -> int | None:
        """The most memory that was in use at any reading."""
        return None if self._used[0] is None else self._peak

    @property
    def disturbance(self) -> dict[str, Any]:
        """What the machine did meanwhile, as docs/schema.md has it; empty where unknown."""
        before, after = self._seen
        if before is None or after is None:
            return {}
        return _between(before, after, self.cpu_s) | {
            "throttled_s": _more(*self._used, "throttled_s"),
            "evicted": self.evicted,
            "page_cache": self.page_cache,
        }

    def fitness(self, asked: Collection[str] = ()) -> str | None:
        """Whether the build's times are fit to compare; None where nothing was measured."""
        found = self.disturbance
        return fitness.fitness(found, asked) if found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, every_s: float) -> None:
        while not self._stop.wait(every_s):
            self._note(self._usage())

    def _note(self, usage: Usage | None) -> None:
        memory = None if usage is None else usage.memory_bytes
        if memory is not None and (self._peak is None or memory > self._peak):
            self._peak = memory


def _between(before: Reading, after: Reading, own_cpu_s: float | None) -> dict[str, Any]:
    """The difference of two readings of the machine."""

    def more(key: str) -> Any:
        return _more(before, after, key)

    busy, passed = more("busy_s"), after.monotonic_s - before.monotonic_s
    foreign = None
    if busy is not None and own_cpu_s is not None:
        foreign = max(0.0, busy - own_cpu_s - (after.lab_s - before.lab_s))
    stalled, own = (
        {name: max(0.0, late[name] - early[name]) for name in late if name in early}
        for early, late in (
            (before.stalled, after.stalled),
            (before.own_stalled, after.own_stalled),
        )
    )
    found = {
        "watched_s": passed,
        "cpus": after.cpus,
        "foreign_cpu_s": foreign,
        "steal_s": more("steal_s"),
        "cpu_stalled_s": own.get("cpu", stalled.get("cpu")),
        "io_stalled_s": own.get("io", stalled.get("io")),
        "memory_stalled_s": own.get("memory", stalled.get("memory")),
        "foreign_io_stalled_s": max(0.0, stalled["io"] - own["io"])
        if "io" in stalled and "io" in own
        else None,
        "page_cache_bytes": before.cached_bytes,
        "read_bytes": more("read_bytes"),
        "refaults": more("refaults"),
        "received_bytes": more("received_bytes"),
        "containers": max(before.containers or 0, after.containers or 0)
        if before.containers is not None
        else None,
        "clock_step_s": (after.realtime_s - before.realtime_s) - passed,
        "slept_s": max(0.0, (after.boottime_s - before.boottime_s) - passed),
    }
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in found.items()
    }


def _more(before: object, after: object, key: str) -> Any:
    """How much a counter grew; None where it is not known, or began anew."""
    if getattr(before, "source", None) != getattr(after, "source", None):
        return None
    early, late = getattr(before, key, None), getattr(after, key, None)
    if early is None or late is None or late < early:
        return None
    return late - early


def _group(usage: Usage | None) -> Group | None:
    return None if usage is None else usage.group
