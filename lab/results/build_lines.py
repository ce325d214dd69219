"""builds.jsonl as its one writer has it: locked, and of whole lines."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from lab.host.disk import disk
from lab.model.errors import StoreError
from lab.results.runs import BUILDS_FILE


class BuildLines:
    """The file in ``folder``; ``flags`` as os.open has them. Raises StoreError where it is locked.

    ``path`` is where it is, for errors. Every method raises DiskFull or StoreError; what was
    appended before stays intact.
    """

    def __init__(self, folder: Path, flags: int) -> None:
        self.path = folder / BUILDS_FILE
        self._held = False
        fd = os.open(self.path, os.O_RDWR | os.O_APPEND | flags, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise StoreError(
                f"another lab process is writing {folder}", remedy="wait for it, or stop it"
            ) from error
        self._fd: int | None = fd

    def cut(self) -> None:
        """Drop a torn last line for good."""
        with disk(self.path):
            os.ftruncate(self._open, self.path.read_bytes().rfind(b"\n") + 1)

    def append(self, line: bytes, *, held: bool) -> None:
        """Add a line; it is on disk when this returns, or when it is ``held``, after `sync`."""
        fd = self._open
        size = os.fstat(fd).st_size
        with disk(self.path):
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(fd, rest) :]
                if not held:
                    os.fsync(fd)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(fd, size)  # no half line may stand before a later whole one
                raise
        self._held = held

    def sync(self) -> None:
        """What was held is on disk when this returns."""
        if self._held:
            with disk(self.path):
                os.fsync(self._open)
            self._held = False

    def close(self) -> None:
        """Let go of the file, and of its lock. Closing twice does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    @property
    def _open(self) -> int:
        if self._fd is None:
            raise RuntimeError("the writer is closed")
        return self._fd
