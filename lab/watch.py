"""Watches one build from outside: what it used, and what the machine did meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from lab.engines.usage import Usage

EVERY_S = 0.05  # between two looks at the memory of a control group
EVERY_TREE_S = 0.25  # of a process tree, which costs a millisecond or more to walk


class Meter:
    """What lies between ``begin`` and the last ``end``; where it never began, nothing is known.

    Leaving it stops its thread.
    """

    def __init__(self, usage: Callable[[], Usage | None]) -> None:
        self._usage = usage
        self._first: Usage | None = None
        self._last: Usage | None = None
        self._peak: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """The build's clock is about to start."""
        self._first = self._usage()
        if self._first is not None and self._first.memory_bytes is not None:
            self._note(self._first)
            self._thread = threading.Thread(target=self._look, name="lab-meter", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """The build has ended, or a part of it has: what comes later is counted until then."""
        self._last = self._usage()
        self._note(self._last)

    @property
    def cpu_s(self) -> float | None:
        """CPU seconds of the engine and its steps."""
        first, last = self._first, self._last
        if first is None or last is None or first.cpu_s is None or last.cpu_s is None:
            return None
        if first.source != last.source or last.cpu_s < first.cpu_s:
            return None  # the engine died: its processes' count went with it
        return last.cpu_s - first.cpu_s

    @property
    def peak_memory_bytes(self) -> int | None:
        """The most memory that was held when looked at."""
        return None if self._first is None else self._peak

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        first = self._first
        tree = first is not None and first.source == "processes"
        while not self._stop.wait(EVERY_TREE_S if tree else EVERY_S):
            self._note(self._usage())

    def _note(self, usage: Usage | None) -> None:
        held = None if usage is None else usage.memory_bytes
        if held is not None and (self._peak is None or held > self._peak):
            self._peak = held
