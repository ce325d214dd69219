"""Standard output and error: open whatever a shell did, and their errors told from others."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any


class OutputLost(OSError):
    """What the lab prints is not taken: its reader has gone, or there is no room for it."""

    @property
    def unread(self) -> bool:
        """Whether a reader has gone, as in `lab ... | head`."""
        return self.errno == errno.EPIPE


class _Raw(io.FileIO):
    def write(self, data: Any, /) -> int:
        """Write, and let an error say that it is of this stream."""
        try:
            return super().write(data) or 0
        except OSError as error:
            raise OutputLost(error.errno, error.strerror) from error


def prepare() -> None:
    """Let both streams be open, show any text and raise OutputLost where they cannot."""
    _open_closed()
    for name, first in (("stdout", sys.__stdout__), ("stderr", sys.__stderr__)):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream is first:  # not what a test or a notebook put in its place
            stream.flush()
            setattr(sys, name, _marking(stream))
        else:
            stream.reconfigure(errors="backslashreplace")


def drop(stream: io.TextIOBase | Any) -> None:
    """Let what nobody takes go to nowhere, what the interpreter flushes at its end too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _marking(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    # Not every terminal can show every character, nor is every file's name text.
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _open_closed() -> None:
    """Let what a shell closed (`>&-`) lead to nowhere.

    Otherwise the next file that is opened, a run's records, would take its place, and what a
    process that the lab starts prints would go there.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:  # the lowest that is free
        os.set_inheritable(number, True)
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it lives as long as the lab
