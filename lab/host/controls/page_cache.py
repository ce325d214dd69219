"""The page cache, dropped or warmed before a build, and what of it was warm put back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.host import paths
from lab.host.process import found, run
from lab.model.errors import LabError

if TYPE_CHECKING:
    from lab.host.controls.journal import Journal

DROP = Path("/proc/sys/vm/drop_caches")
PROGRAMS = ("dockerd", "containerd", "podman", "runc", "crun", "slirp4netns")
PIECE = 1 << 20
MOST_FILES = 2000  # at a time, so that no command line grows too long
COLD, WARM = 0.05, 0.95  # shares of the engine's storage in memory that count as dropped, warmed


def lacking() -> str | None:
    """Why the page cache cannot be controlled here."""
    if found("fincore") is None:
        return "no fincore to read back with: apt-get install util-linux"
    if os.geteuid() != 0 or not DROP.exists():
        return "only root may drop the page cache"
    return None


def prepare(
    wish: Literal["dropped", "warmed"], storage: Path | None, journal: Journal
) -> tuple[str | None, str | None]:
    """Drop or warm it: why it did not take hold (None: it did), and what was read back."""
    reason = lacking()
    if reason is not None or storage is None:
        return reason or "the engine is not private to the lab: --private", None
    files = list(regular(storage))
    if wish == "dropped":
        kept = resident_files([*programs(), *regular(paths.cache_dir(), below=storage)])
        journal.warm(kept)
        os.sync()  # dirty pages are not dropped
        try:
            DROP.write_text("1\n")
        except OSError as error:
            return f"the kernel refuses to drop it: {error.strerror}", None
    else:
        warm(files)
    share = resident_share(files)
    held = None if share is None else f"{share:.0%} of the engine's storage in memory"
    if share is None:
        return None, "the engine's storage is empty"
    if (wish == "dropped" and share > COLD) or (wish == "warmed" and share < WARM):
        return f"it did not take hold: {held}", held
    return None, held


def warm(files: Iterable[Path]) -> None:
    """Read files so that they are in memory; one that is gone is passed over."""
    for file in files:
        with suppress(OSError), file.open("rb", buffering=0) as stream:
            while stream.read(PIECE):
                pass


def programs() -> list[Path]:
    """The engines' own programs, which a build needs as it needs its files."""
    return [place.resolve() for name in PROGRAMS if (place := found(name)) is not None]


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
