"""What can lie at a path of a build context: a file, a symbolic link, a directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes, or where on disk they lie. ``mtime`` is in whole seconds.

    ``owner`` is user and group; from a folder on disk all is sent as root's, as clients do.
    """

    data: bytes | Path
    mode: int = 0o644
    mtime: int = 0
    owner: tuple[int, int] = (0, 0)
    kind: ClassVar[Literal["file"]] = "file"


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, sent as such: what it points to is not read."""

    target: str
    kind: ClassVar[Literal["link"]] = "link"


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder. Folders that only hold entries need not be stated."""

    mode: int = 0o755
    kind: ClassVar[Literal["directory"]] = "directory"


Entry = File | Link | Directory
