"""What can lie at a path of a build context: a file, a symbolic link, a directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from lab.model.errors import InputError


class Store(Protocol):
    """An open file that bytes were put into."""

    def read(self, at: int, size: int) -> bytes:
        """So many bytes from there; fewer at its end."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that were put aside: ``size`` of them, from ``at`` in an open file."""

    store: Store
    at: int
    size: int


Data = bytes | Path | Span


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes, or where they lie. ``mtime`` is in whole seconds.

    ``owner`` is user and group; from a folder on disk all is sent as root's, as clients do.
    """

    data: Data
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

CHUNK = 1 << 20


def chunks(data: Data) -> Iterator[bytes]:
    """The bytes, piece by piece. Raises OSError where a file on disk cannot be read."""
    if isinstance(data, bytes):
        yield data
    elif isinstance(data, Span):
        for at in range(0, data.size, CHUNK):
            yield data.store.read(data.at + at, min(CHUNK, data.size - at))
    else:
        with data.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece


def size(path: Path) -> int:
    """The bytes of a file of a context. Raises InputError where it cannot be asked."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> InputError:
    """What a user is told of a file that cannot be sent."""
    return InputError(
        f"{path} cannot be read into the build context: {error.strerror}",
        remedy="make it readable, or name it in .dockerignore",
    )
