"""Folders that are gone when their lab is, even one that was killed: the next lab clears them.

Each is held by a lock on itself, which the kernel lets go of however its lab ends. The first
that a lab makes in a place clears those of its kind there that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_NAME = "[0-9a-f]{12}"
_ALONE = 0o700


@dataclass(slots=True)
class Held:
    """A folder and its lock."""

    path: Path
    _lock: int | None

    def release(self) -> None:
        """Let go of it where it is: from now on it is not cleared only if it has another name."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def make(place: Path, prefix: str, mode: int = 0o777) -> Held:
    """A new folder in ``place``. Raises OSError where that cannot be."""
    _sweep_once(place, prefix)
    while True:
        path = place / f"{prefix}{secrets.token_hex(6)}"
        path.mkdir(mode)
        lock = _open(path)
        if lock is None:
            continue  # another lab took it for a dead one's, before it was locked
        with suppress(OSError):  # a file system without locks: it is cleared in order or never
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _is(path, lock):
            return Held(path, lock)
        os.close(lock)


@contextmanager
def folder(what: str, inside: Path | None = None) -> Iterator[Path]:
    """A folder for ``what``, beside the system's temporary files or ``inside`` another."""
    held = make(inside or Path(tempfile.gettempdir()), f"lab-{what}-", _ALONE)
    try:
        yield held.path
    finally:
        held.remove()


@cache
def _sweep_once(place: Path, prefix: str) -> None:
    sweep(place, prefix)


def sweep(place: Path, prefix: str) -> None:
    """Remove what labs of this user that are dead left in ``place``."""
    named = re.compile(re.escape(prefix) + _NAME)
    with suppress(OSError), os.scandir(place) as found:
        for entry in found:
            if named.fullmatch(entry.name):
                _remove_dead(Path(entry.path))


def is_draft(name: str, prefix: str) -> bool:
    """Whether a folder of this name was made here."""
    return re.fullmatch(re.escape(prefix) + _NAME, name) is not None


def _remove_dead(path: Path) -> None:
    lock = _open(path)
    if lock is None:
        return
    try:
        if os.fstat(lock).st_uid == os.getuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except OSError:  # its lab is alive, or there are no locks to tell it by
        pass
    finally:
        os.close(lock)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None


def _is(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except OSError:
        return False
