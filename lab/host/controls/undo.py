"""How each kind of change in a journal is undone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.host.controls import page_cache_files
from lab.host.process import process_start

Entry = Mapping[str, Any]
Say = Callable[[str], None]


def undo(entry: Entry, say: Say) -> None:
    """Undo one change; an entry of a kind that this version does not know is passed over."""
    known = _UNDO.get(str(entry.get("kind")))
    if known is not None:
        known(entry, say)


def line_of(text: str, key: str) -> str:
    """The value of a kernel's file, or of its line that begins with ``key``, on one line."""
    if not key:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line for line in lines if line.split(" ")[0] == key), "")


def _value(entry: Entry, say: Say) -> None:
    path = Path(entry["path"])
    applied = entry.get("applied", entry.get("held"))  # as lab 0.1 wrote it
    try:
        # A value that is no longer the lab's was set by somebody else since: it is theirs.
        if line_of(path.read_text(), entry["key"]) == applied:
            path.write_text(entry["undo"])
    except FileNotFoundError:
        return  # gone with its control group
    except OSError as error:
        say(f"warning: {path} could not be put back to {entry['undo']!r}: {error.strerror}")


def _process(entry: Entry, say: Say) -> None:  # noqa: ARG001 (as the others)
    if entry["started"] is not None and process_start(entry["pid"]) == entry["started"]:
        with suppress(ProcessLookupError):
            os.killpg(entry["pid"], signal.SIGKILL)


def _affinity(entry: Entry, say: Say) -> None:  # noqa: ARG001 (as the others)
    if entry["pid"] == os.getpid():
        with suppress(OSError):
            os.sched_setaffinity(0, entry["cpus"])


def _warm(entry: Entry, say: Say) -> None:  # noqa: ARG001 (as the others)
    page_cache_files.warm([Path(file) for file in entry["files"]])


_UNDO: Mapping[str, Callable[[Entry, Say], None]] = {
    "value": _value,
    "process": _process,
    "affinity": _affinity,
    "warm": _warm,
}
