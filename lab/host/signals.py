"""Ctrl-C, SIGTERM and a closed terminal: each ends the lab's work at once, none its clean-up."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


class _Shield:
    depth = 0
    late: str | None = None
    quiet = False
    ended = False


def install(*, quiet: bool = False) -> None:
    """Let every signal that asks the lab to end raise KeyboardInterrupt with its name.

    Not one of the lab's errors: an ``except`` for those, or for Exception, would swallow it. A
    signal that whoever started the lab chose to ignore (nohup, ``&`` in a script) stays ignored.
    ``quiet``: nobody reads that the end takes a moment.
    """
    _Shield.quiet, _Shield.ended = quiet, False
    for number in _NAMES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


@contextmanager
def shielded() -> Iterator[None]:
    """Work that must not be left half done. A signal meanwhile takes effect behind it."""
    _Shield.depth += 1
    try:
        yield
    finally:
        _Shield.depth -= 1
    if _Shield.depth == 0 and _Shield.late is not None:
        late, _Shield.late = _Shield.late, None
        if sys.exc_info()[0] is None:  # otherwise the end is under way already
            raise KeyboardInterrupt(late)


def ending() -> bool:
    """Whether a signal has asked the lab to end: what is left is to clear away."""
    return _Shield.ended


def settle() -> None:
    """The end is decided: a further signal must not give it another exit code.

    Ignored for good, not handled: an interpreter that ends gives handled signals back to the
    system, which would end the process by them.
    """
    for number in _NAMES:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_IGN)


def _end(number: int, _frame: FrameType | None) -> None:
    if not _Shield.quiet:
        with suppress(OSError):
            # Not print: the signal may have come in the middle of a write to the same stream.
            os.write(2, b"lab: stopping and clearing away, a moment\n")
    _Shield.ended = True
    name = _NAMES[signal.Signals(number)]
    if _Shield.depth == 0:
        raise KeyboardInterrupt(name)
    _Shield.late = name
