"""Folders that the lab itself wrote: no build context that it reads has them.

Results lie beside what was built, or inside it. Were they sent, a run's own records would change
the context that it measures: every rebuild of ``COPY . .`` would miss because of them.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.host import temporary
from lab.host.disk import disk
from lab.host.paths import cache_place

MARK = ".written-by-lab"
DRAFT = ".new-"  # how the name of what is no run yet begins
_RUN = ("run.json", b'"lab.run/')  # a run's head, which names its schema at its beginning
_START = 256  # bytes of it that are read


def mark(folder: Path) -> None:
    """Say of a folder that all in it is the lab's. A run needs no such mark: its head says it."""
    with disk(folder):
        (folder / MARK).touch()


def is_own(folder: Path) -> bool:
    """Whether the lab made the folder: its cache, a run, anything that is marked, and a folder
    that holds nothing but such folders.
    """
    if _is_marked(folder):
        return True
    try:
        with os.scandir(folder) as found:
            children = iter(found)
            first = next(children, None)
            return first is not None and all(
                child.is_dir(follow_symlinks=False) and is_own(Path(child.path))
                for child in (first, *children)
            )
    except OSError:
        return False  # whoever reads the context says why it cannot be read


def _is_marked(folder: Path) -> bool:
    if temporary.is_draft(folder.name, DRAFT):
        return True
    name, sign = _RUN
    try:
        with (folder / name).open("rb") as file:
            if sign in file.read(_START):
                return True
    except OSError:
        pass
    return (folder / MARK).is_file() or folder == cache_place()
