"""Copies in memory for who may not mount: folders of this user in the host's own tmpfs."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.golang.goroot import copying, sums
from lab.golang.goroot.home import Home
from lab.host import facts as host
from lab.host.paths import SHARED_MEMORY
from lab.model import units
from lab.model.errors import DiskFull, MissingPrerequisite, StoreError


def fill(home: Home, version: str, source: Path, wanted: sums.Sums) -> Path:
    """Copy a version there, and take the right to write away; gives the copy's folder.

    Raises MissingPrerequisite where there is no such file system, DiskFull where it has no room.
    """
    if host.filesystem(SHARED_MEMORY) != "tmpfs" or not os.access(SHARED_MEMORY, os.W_OK):
        raise MissingPrerequisite(
            f"{SHARED_MEMORY} is not a tmpfs that this user can write to",
            remedy="as root, lab goroot stage mounts a tmpfs of its own",
        )
    needed = copying.size_of(source)
    free = shutil.disk_usage(SHARED_MEMORY).free
    if free < needed:
        raise DiskFull(
            f"{SHARED_MEMORY} has {units.size(free)} free, and {units.size(needed)} are needed",
            remedy="clear it, or run as root: a tmpfs of its own is mounted then",
        )
    draft = _own(home) / f".{version}"
    draft.mkdir(mode=0o755)
    copying.fill(draft, source, wanted, before=0, locked=True)
    target = draft.with_name(version)
    copying.remove(target)
    draft.rename(target)
    return target


def folders(home: Home) -> Iterator[Path]:
    """What is there for a home, drafts that were never finished among it."""
    own = SHARED_MEMORY / _own_name(home)
    if own.is_dir() and own.stat().st_uid == os.getuid():
        yield from own.iterdir()


def _own(home: Home) -> Path:
    folder = SHARED_MEMORY / _own_name(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise StoreError(f"{folder} is not this user's", remedy="choose another --home")
    return folder


def _own_name(home: Home) -> str:
    digest = hashlib.sha256(os.fsencode(home.root)).hexdigest()
    return f"lab-goroots-{os.getuid()}-{digest[:12]}"
