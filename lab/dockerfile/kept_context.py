"""A folder's context as it was when it was read, whatever happens to the folder afterwards.

A run builds it many times over. Read from disk for each build, a file that somebody saves
meanwhile would be in some builds and not in others, and a cache would be blamed for it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from lab.dockerfile.context import Context
from lab.dockerfile.entries import Entry, File, Span, chunks, size, unreadable
from lab.model.errors import DiskFull, LabError

IN_MEMORY = 64 * 1024 * 1024  # bytes of files that are held in memory; all later ones in a file
_NAMED = 5  # changes that a sentence names


class _Aside:
    """A temporary file without a name: nothing is left of it, whatever happens."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0

    def put(self, path: Path) -> Span:
        begun = self._end
        try:
            source = path.open("rb")
        except OSError as error:
            raise unreadable(path, error) from error
        with source:
            try:
                while piece := source.read(1 << 20):
                    self._file.write(piece)
                    self._end += len(piece)
                self._file.flush()
            except OSError as error:
                raise DiskFull(
                    f"the build context cannot be kept in {tempfile.gettempdir()}: "
                    f"{error.strerror}",
                    remedy="free some space there, or set TMPDIR to a folder that has it",
                ) from error
        return Span(self, begun, self._end - begun)

    def read(self, at: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, at)


@contextmanager
def kept(context: Context) -> Iterator[Context]:
    """The context with every file's bytes read, for as long as this is open.

    Raises InputError where a file cannot be read, DiskFull where there is no room for large ones.
    """
    with ExitStack() as stack:
        aside: _Aside | None = None
        held = 0
        entries: dict[str, Entry] = {}
        for path, entry in context.entries.items():
            if entry.kind != "file" or not isinstance(entry.data, Path):
                entries[path] = entry
                continue
            held += size(entry.data)
            if held <= IN_MEMORY:
                entries[path] = replace(entry, data=_read(entry.data))
                continue
            if aside is None:
                file = stack.enter_context(tempfile.TemporaryFile(prefix="lab-context-"))
                aside = _Aside(file)
            entries[path] = replace(entry, data=aside.put(entry.data))
        yield Context(entries)


@dataclass(slots=True, kw_only=True)
class KeptFolder:
    """A folder's ``context`` as it was read, and whether the folder is still so."""

    folder: Path
    dockerfile: str
    context: Context
    known: Mapping[str, object]

    @classmethod
    @contextmanager
    def open(cls, folder: Path, dockerfile: str) -> Iterator[KeptFolder]:
        """Read the folder. Raises what `kept` and `Context.from_folder` raise."""
        found = Context.from_folder(folder, dockerfile=dockerfile)
        known = _looks(found)
        with kept(found) as context:
            yield cls(folder=folder, dockerfile=dockerfile, context=context, known=known)

    def changes(self) -> str:
        """What is another on disk than when it was last looked at, in words; empty: nothing."""
        try:
            now = _looks(Context.from_folder(self.folder, dockerfile=self.dockerfile))
        except LabError as error:
            return error.message
        before, self.known = self.known, now
        return told(before, now)


def told(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """By what the second differs from the first, path by path; empty where it does not."""
    found = [
        f"{path} {_became(path, before, now)}"
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _became(path: str, before: Mapping[str, object], now: Mapping[str, object]) -> str:
    if path not in before:
        return "is new"
    return "changed" if path in now else "is gone"


def _looks(context: Context) -> Mapping[str, object]:
    """Each entry as far as can be said without reading files."""
    return {path: _look(entry) for path, entry in context.entries.items()}


def _look(entry: Entry) -> object:
    if not isinstance(entry, File) or not isinstance(entry.data, Path):
        return entry
    try:
        facts = entry.data.stat()
    except OSError:
        return None  # gone while it was looked at: the next look says so
    return entry.mode, facts.st_size, facts.st_mtime_ns


def _read(path: Path) -> bytes:
    try:
        return b"".join(chunks(path))
    except OSError as error:
        raise unreadable(path, error) from error
