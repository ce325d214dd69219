"""Which entries of a context a COPY, an ADD or a bind mount reads.

Patterns are Go's filepath.Match, https://pkg.go.dev/path/filepath#Match: a star stays within its
folder. What a pattern names is read with all that lies below it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

from lab.dockerfile.go_patterns import source_regex
from lab.dockerfile.model import Instruction

_REMOTE = re.compile(r"^(https?://|git@|git://|ssh://)|^<<")
T = TypeVar("T")


def operands(instruction: Instruction) -> tuple[str, ...]:
    """The words of a COPY or ADD: its sources, and where they go at last."""
    text = instruction.operands.strip()
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            return tuple(text.split())
        return tuple(str(word) for word in words)
    return tuple(text.split())


def patterns(words: Iterable[str]) -> tuple[str, ...]:
    """Sources as paths of the context; what comes from elsewhere is left out."""
    found = [
        posixpath.normpath("/" + word.lstrip("/")).lstrip("/") or "."
        for word in words
        if not _REMOTE.match(word)
    ]
    return tuple(dict.fromkeys(found))


def wild(pattern: str) -> bool:
    """Whether a pattern has a wildcard that no backslash takes away."""
    return re.search(r"[*?\[]", re.sub(r"\\.", "", pattern)) is not None


def chosen(entries: Mapping[str, T], wanted: Iterable[str]) -> dict[str, T]:
    """The entries that the patterns name, and all below them, sorted by path."""
    return {path: entries[path] for path in _paths(tuple(entries), tuple(wanted))}


@lru_cache(maxsize=256)  # builds of one project have the same paths, and differ in what lies there
def _paths(paths: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    matching = [_matcher(pattern) for pattern in wanted]
    return tuple(
        path
        for path in sorted(paths)
        if any(match is None or match.match(path) for match in matching)
    )


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> re.Pattern[str] | None:
    """None for the whole context."""
    if pattern == ".":
        return None
    text = source_regex(pattern) if wild(pattern) else re.escape(pattern)
    return re.compile(text + r"(?:/.*)?\Z", re.DOTALL)
