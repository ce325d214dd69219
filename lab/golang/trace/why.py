"""Why a package was compiled again: Go's own account of its cache keys, compared line by line.

With GODEBUG=gocachehash=1 the go command writes every piece that goes into a key
(cmd/go/internal/cache, hash.go): `HASH[build fmt]: "..."`, at the end `HASH[build fmt]: <key>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"^HASH\[(?P<what>[^\]]*)\](?:: (?P<rest>.*))?$")
_ACTION = re.compile(r"^build (?P<package>\S+)$")


@dataclass(frozen=True, slots=True)
class Key:
    """What went into the key of one package's compilation, piece by piece, and the key."""

    pieces: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Change:
    """A package whose key is another one. ``pieces`` are the first that differ: before, after."""

    package: str
    before: str
    after: str


def keys(said: str) -> Mapping[str, Key]:
    """The keys of packages in what a go command wrote with gocachehash=1."""
    pieces: dict[str, list[str]] = {}
    found: dict[str, Key] = {}
    for line in said.splitlines():
        match = _LINE.match(line)
        action = _ACTION.match(match["what"]) if match else None
        if match is None or action is None:
            continue
        package, rest = action["package"], match["rest"]
        if rest is None:
            pieces[package] = []
        elif rest.startswith('"'):
            pieces.setdefault(package, []).append(rest.strip('"'))
        elif package not in found:
            found[package] = Key(tuple(pieces.get(package, ())), rest)
    return found


def changes(before: Mapping[str, Key], after: Mapping[str, Key]) -> tuple[Change, ...]:
    """The packages of both whose keys differ, with the first piece in which they do."""
    return tuple(
        Change(package, *_first(before[package].pieces, after[package].pieces))
        for package in sorted(before.keys() & after.keys())
        if before[package].key != after[package].key
    )


def grouped(found: Sequence[Change]) -> Mapping[str, int]:
    """How many packages changed for which reason, the most frequent first."""
    counts: dict[str, int] = {}
    for change in found:
        counts[reason(change)] = counts.get(reason(change), 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def reason(change: Change) -> str:
    """The kind of the piece that differs, in words."""
    piece = change.before or change.after
    kinds = {
        "go1.": "the Go version",
        "compile\\n": "another folder is compiled in (no -trimpath)",
        "compile ": "the compiler",
        "goos ": "the target",
        "file ": "a source file",
        "import ": "a package that it imports",
        "GO": "an environment setting",
    }
    return next((text for start, text in kinds.items() if piece.startswith(start)), piece[:60])


def _first(one: Sequence[str], other: Sequence[str]) -> tuple[str, str]:
    for before, after in zip(one, other, strict=False):
        if before != after:
            return before, after
    shorter = min(len(one), len(other))
    return "".join(one[shorter : shorter + 1]), "".join(other[shorter : shorter + 1])
