"""What was changed on this host and how it was before, on disk before each change.

The process that locks a journal is alive; the changes of a journal that nobody locks are undone by
the next lab that finds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from lab.host.controls import undo
from lab.host.controls.undo import Say
from lab.host.disk import disk
from lab.host.process import process_start

PREFIX = "controls-"
FRESH_S = 60.0  # a file younger than this may be between its making and its locking


class Journal:
    """Entries, one JSON object a line; each is on disk when its method returns."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder, self._say = folder, say
        self._file: IO[str] | None = None

    def value(self, path: Path, before: str, applied: str, key: str = "") -> None:
        """A file of the kernel's gets a value: ``applied`` is how it will read, ``before`` what
        undoes it.

        ``key`` picks the line of a file with a line for each device.
        """
        entry = {"path": str(path), "undo": before, "applied": applied, "key": key}
        self._add({"kind": "value", **entry})

    def process(self, pid: int) -> None:
        """A process was started that must not outlive the run."""
        self._add({"kind": "process", "pid": pid, "started": process_start(pid)})

    def affinity(self, cpus: set[int]) -> None:
        """The lab's own CPUs before it stepped aside; a dead lab needs none back."""
        self._add({"kind": "affinity", "cpus": sorted(cpus), "pid": os.getpid()})

    def warm(self, files: list[Path]) -> None:
        """These files were in the page cache before it was dropped."""
        self._add({"kind": "warm", "files": [str(file) for file in files]})

    def restore(self) -> None:
        """Undo everything, the last change first."""
        if self._file is not None:
            self._file.seek(0)
            put_back(self._file.read(), self._say)
            self._file.truncate(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            Path(self._file.name).unlink(missing_ok=True)
            self._file.close()

    def _add(self, entry: Mapping[str, Any]) -> None:
        if self._file is None:
            fd, name = tempfile.mkstemp(prefix=PREFIX, suffix=".jsonl", dir=self._folder)
            os.close(fd)
            self._file = Path(name).open("r+", encoding="utf-8")  # noqa: SIM115 (open till the end)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        with disk(self._folder, "set LAB_CACHE to a folder on another disk"):
            self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def sweep(folder: Path, say: Say) -> int:
    """Undo what killed labs changed; how many journals those were."""
    found = 0
    old = folder.glob("held-*.jsonl")  # as lab 0.1 named them
    for path in sorted([*folder.glob(f"{PREFIX}*.jsonl"), *old]):
        with suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            text = file.read()
            if not text and time.time() - path.stat().st_mtime < FRESH_S:
                continue
            if text:
                say("putting back what a killed lab changed on this machine")
                put_back(text, say)
                found += 1
            path.unlink(missing_ok=True)
    return found


def put_back(text: str, say: Say) -> None:
    """Undo a journal's entries, the last first; a torn last line was written before its change."""
    entries = []
    for line in text.splitlines():
        with suppress(ValueError):
            entries.append(json.loads(line))
    for entry in reversed(entries):
        if isinstance(entry, dict):
            undo.undo(entry, say)
