"""Files written whole or not at all, and what a disk's refusals mean for the user."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from lab.model.errors import DiskFull, StoreError

_DRAFT = re.compile("[a-z0-9_]{8}")  # as mkstemp ends a name
RESULTS = "choose another --results folder"


def write(folder: Path, name: str, data: str | bytes, otherwise: str = RESULTS) -> Path:
    """Write a file whole or not at all, and give its path; ``otherwise`` is the way round it."""
    path = folder / name
    with whole(path, otherwise) as file:
        file.write(data if isinstance(data, bytes) else data.encode(errors="backslashreplace"))
    return path


@contextmanager
def whole(path: Path, otherwise: str) -> Iterator[IO[bytes]]:
    """A file that is written piece by piece and appears whole or not at all.

    A device, a pipe or /dev/stdout is written into, never put a file in the place of.
    """
    with disk(path, otherwise):
        if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
            with path.open("ab", buffering=0) as file:
                yield file
            return
        real = path.resolve()  # a link stays one
        real.parent.mkdir(exist_ok=True)
        fd, draft = _draft(real)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fchmod(fd, 0o644)  # mkstemp's 0600 would hide a report from its readers
                os.fsync(fd)
            Path(draft).replace(real)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def _draft(real: Path) -> tuple[int, str]:
    """A new file beside this one, held by a lock; those of labs that were killed are removed."""
    prefix = f".{real.name}."
    with os.scandir(real.parent) as found:
        beside = [one.path for one in found if one.name.startswith(prefix)]
    for path in beside:
        if _DRAFT.fullmatch(path.rpartition(prefix)[2]):
            _remove_dead(path)
    while True:
        fd, draft = tempfile.mkstemp(dir=real.parent, prefix=prefix)
        with suppress(OSError):  # a file system without locks: none is told from a dead lab's
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:  # else another lab took it for a dead one's
            return fd, draft
        os.close(fd)


def _remove_dead(draft: str) -> None:
    with suppress(OSError):  # its lab is alive, or it is not ours to open
        fd = os.open(draft, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Path(draft).unlink()
        finally:
            os.close(fd)


def expect(path: Path, otherwise: str) -> None:
    """Find out before slow work that a file cannot be written after it. Raises StoreError."""
    with disk(path, otherwise):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = path if path.exists() else path.parent
        folder = folder if folder.exists() else folder.parent  # one more level is made
        if not folder.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if folder != path and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def dump(record: Mapping[str, Any], indent: int | None = None) -> bytes:
    # A lone surrogate (a file name that is no UTF-8) becomes \udcXX, which JSON can hold.
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", "backslashreplace")


@contextmanager
def disk(path: Path, otherwise: str = RESULTS) -> Iterator[None]:
    """What goes wrong with this path in the lab's own words; ``otherwise`` is the way round it."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(
                f"no space left for {path}", remedy=f"free some, or {otherwise}"
            ) from error
        raise StoreError(
            f"{path}: {error.strerror or error}",
            remedy=f"mend its permissions, or {otherwise}",
        ) from error
