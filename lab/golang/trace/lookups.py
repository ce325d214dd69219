"""What a go command asked of its build cache, what it found there, and why not.

An entry of the cache is a file named by its key, <two digits>/<key>-a (cmd/go/internal/cache): the
first open of it is the question, and its result the answer. With gocachehash=1 the go command says
which key is of what; so every question of a trace has a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.golang.trace import why
from lab.golang.trace.goroot import OPENS
from lab.golang.trace.strace import Call

_NAMED = re.compile(r"^HASH\[(?P<what>[^\]]+)\]: (?P<key>[0-9a-f]{64})$")
_SUBKEY = re.compile(r'^HASH subkey [0-9a-f]+ "(?P<what>[^"]*)" = (?P<key>[0-9a-f]{64})$')
OTHER = "of what Go does not name"
UNSEEN = "no earlier build to compare with"
EQUAL = "the same key: the cache had no such entry"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question to the cache: for what (``build fmt``), and whether the entry was there."""

    key: str
    what: str
    hit: bool

    @property
    def kind(self) -> str:
        """The first word of what it is for."""
        return self.what if self.what == OTHER else self.what.split()[0]


def lookups(calls: Sequence[Call], said: str, gocache: str) -> tuple[Lookup, ...]:
    """The questions of a trace, each key's first, with names from what the go command said."""
    names = named(said)
    entry = re.compile(re.escape(gocache) + r"/[0-9a-f]{2}/([0-9a-f]{64})-a")
    found: dict[str, Lookup] = {}
    for call in calls:
        match = entry.fullmatch(call.path) if call.name in OPENS else None
        if match is not None and match[1] not in found:
            key = match[1]
            found[key] = Lookup(key, names.get(key, OTHER), call.error is None)
    return tuple(found.values())


def named(said: str) -> Mapping[str, str]:
    """Key -> what it is of, from the lines that GODEBUG=gocachehash=1 adds."""
    found: dict[str, str] = {}
    for line in said.splitlines():
        if match := _NAMED.match(line) or _SUBKEY.match(line):
            found.setdefault(match["key"], match["what"])
    return found


def counts(found: Sequence[Lookup]) -> Mapping[str, tuple[int, int]]:
    """Hits and misses by kind."""
    kinds = dict.fromkeys(one.kind for one in found)
    return {
        kind: (
            sum(one.hit for one in found if one.kind == kind),
            sum(not one.hit for one in found if one.kind == kind),
        )
        for kind in kinds
    }


def reasons(
    found: Sequence[Lookup], now: Mapping[str, why.Key], before: Mapping[str, why.Key]
) -> Mapping[str, int]:
    """Why packages were missed: what differs first in their keys from those of another build."""
    counted: dict[str, int] = {}
    for one in found:
        if one.hit or one.kind != "build":
            continue
        package = one.what.removeprefix("build ")
        reason = UNSEEN
        if package in now and package in before:
            differs = why.changes({package: before[package]}, {package: now[package]})
            reason = why.reason(differs[0]) if differs else EQUAL
        counted[reason] = counted.get(reason, 0) + 1
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
