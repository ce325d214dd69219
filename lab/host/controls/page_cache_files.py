"""Files and the page cache: read into it, and asked what of them is in it (fincore(1))."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lab.host.process import run
from lab.model.errors import LabError

PIECE = 1 << 20


MOST_FILES = 2000  # at a time, so that no command line grows too long


def warm(files: Iterable[Path]) -> None:
    """Read files so that they are in memory; one that is gone is passed over."""
    for file in files:
        with suppress(OSError), file.open("rb", buffering=0) as stream:
            while stream.read(PIECE):
                pass


def regular(folder: Path, below: Path | None = None) -> Iterator[Path]:
    """The regular files of a folder on its own file system; ``below`` is left out."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return
    for place, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if Path(place, name) != below and _device(Path(place, name)) == device
        ]
        for name in names:
            path = Path(place, name)
            with suppress(OSError):
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode) and facts.st_size:
                    yield path


def resident_share(files: Iterable[Path]) -> float | None:
    """The share of the files' bytes that is in memory; None where they have none."""
    inside = size = 0
    for _, resident, length in _fincore(files):
        inside += min(resident, length)  # the last page is larger than what it holds
        size += length
    return inside / size if size else None


def resident_files(files: Iterable[Path]) -> list[Path]:
    """The files of which at least half is in memory."""
    return [path for path, resident, size in _fincore(files) if resident >= size / 2]


def _fincore(files: Iterable[Path]) -> Iterator[tuple[Path, int, int]]:
    """Path, bytes in memory, and size of each file (fincore(1), by mincore(2))."""
    known = list(files)
    for start in range(0, len(known), MOST_FILES):
        command: list[str | Path] = ["fincore", "--raw", "--bytes", "--noheadings"]
        command += ["--output", "RES,SIZE", "--"]
        for path in known[start : start + MOST_FILES]:
            command.append(path)
        with suppress(LabError):
            said = run(command, codes=range(256)).out.splitlines()
            rows = [line.split() for line in said]
            if len(rows) == len(known[start : start + MOST_FILES]):
                for path, row in zip(known[start:], rows, strict=False):
                    yield path, int(row[0]), int(row[1])


def _device(path: Path) -> int | None:
    try:
        return path.lstat().st_dev
    except OSError:
        return None
