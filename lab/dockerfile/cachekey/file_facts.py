"""What of a context's entries can change a cache key. Pure, but for reading large files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from lab.dockerfile.cachekey.inputs import FileFacts
from lab.dockerfile.context import Context
from lab.dockerfile.entries import Data, Entry, chunks
from lab.model.errors import InputError

Facts = Callable[[Entry], FileFacts]


def facts(entry: Entry) -> FileFacts:
    """What is known of one entry of a context. Raises InputError where it cannot be read."""
    match entry.kind:
        case "file":
            return FileFacts(
                kind="file",
                content=_hash(entry.data),
                mode=entry.mode,
                mtime=entry.mtime,
                owner=f"{entry.owner[0]}:{entry.owner[1]}",
            )
        case "link":
            return FileFacts(kind="link", content=entry.target, mode=0o777)
        case "directory":
            return FileFacts(kind="directory", content="", mode=entry.mode)


def remembered(context: Context) -> Facts:
    """The same, with all of a context read at once: for many builds of nearly that context."""
    known = {id(entry): (entry, facts(entry)) for entry in context.entries.values()}

    def of(entry: Entry) -> FileFacts:
        there = known.get(id(entry))
        return facts(entry) if there is None else there[1]

    return of


def _hash(data: Data) -> str:
    found = hashlib.sha256()
    try:
        for piece in chunks(data):
            found.update(piece)
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read: {error.strerror}", remedy="make it readable"
        ) from error
    return found.hexdigest()[:32]
