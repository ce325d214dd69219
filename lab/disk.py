"""Files written whole or not at all, and what a disk's refusals mean for the user."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lab.errors import DiskFull, StoreError


def write(folder: Path, name: str, data: str | bytes) -> Path:
    """Write a file of a run's folder whole or not at all, and give its path."""
    path = folder / name
    body = data if isinstance(data, bytes) else data.encode(errors="backslashreplace")
    with disk(path):
        path.parent.mkdir(exist_ok=True)
        fd, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(body)
                file.flush()
                os.fchmod(fd, 0o644)  # mkstemp's 0600 would hide a report from its readers
                os.fsync(fd)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    return path


@contextmanager
def whole(path: Path, otherwise: str) -> Iterator[IO[bytes]]:
    """A file that is written piece by piece and appears whole or not at all."""
    with disk(path, otherwise):
        fd, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fchmod(fd, 0o644)
                os.fsync(fd)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def dump(record: Mapping[str, Any], indent: int | None = None) -> bytes:
    # A lone surrogate (a file name that is no UTF-8) becomes \udcXX, which JSON can hold.
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", "backslashreplace")


@contextmanager
def disk(path: Path, otherwise: str = "choose another --results folder") -> Iterator[None]:
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
