"""The settings of the experiments: what each is, what it is without being set, and reading it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.dockerfile.layouts import LAYOUTS
from lab.engines import REAL as ENGINES
from lab.golang.bench import fs, trees
from lab.images.sources.toolchain import VERSION
from lab.model.errors import InputError

Value = str | list[str]
Kind = Literal["one", "pair", "words"]
Warmth = Literal["warm", "cold"]

_WARMTHS: Mapping[str, Warmth] = {"warm": "warm", "cold": "cold"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an experiment. ``otherwise`` is its value where none is given.

    ``among`` is a regular expression that each word has to match, and ``expected`` says so; words
    that are ``whole`` can have commas in them.
    """

    kind: Kind
    otherwise: Value
    what: str
    among: str = ".*"
    expected: str = "text"
    whole: bool = False

    def mistake(self, value: Value) -> str | None:
        """What was expected in place of a value; None where it will do."""
        words = _words(value)
        if self.kind == "pair" and len(words) != 2:
            return self.expected
        if self.kind == "one" and isinstance(value, list):
            return f"{self.expected}, not a list"
        sound = all(re.fullmatch(self.among, word, re.ASCII) for word in words)
        return None if sound else self.expected


_YES = ("yes", "no")


def _words(value: Value) -> list[str]:
    return value if isinstance(value, list) else [value]


def _number(otherwise: int, what: str) -> Setting:
    whole = "a whole number of at least 1"
    return Setting("one", str(otherwise), what, among=r"0*[1-9]\d{0,8}", expected=whole)


def _choice(kind: Kind, otherwise: Value, what: str, words: Collection[str]) -> Setting:
    said = ", ".join(words)
    among = "|".join(re.escape(word) for word in words)
    expected = f"{'one' if kind == 'one' else 'any'} of {said}"
    return Setting(kind, otherwise, what, among=among, expected=expected)


def _project(packages: int, lines: int, depth: int) -> Mapping[str, Setting]:
    return {
        "packages": _number(packages, "of the generated project"),
        "lines": _number(lines, "of the generated project"),
        "depth": _number(depth, "of its imports"),
        "command": Setting("one", "", "build this package of the toolchain's, such as cmd/go"),
        "flags": Setting("words", [], "of go build, such as -trimpath"),
    }


def _disks() -> Mapping[str, Setting]:
    found = {}
    for kind in ("ext4", "xfs", "btrfs"):
        found[f"{kind} options"] = Setting("one", "", "mount options")
        found[f"{kind} device"] = Setting("one", "", "an empty block device; else a loop device")
    return found


def _version(kind: Kind, otherwise: Value, what: str) -> Setting:
    said = "a Go version, such as 1.22.10" if kind == "one" else "two, such as 1.22.10 and 1.23.9"
    return Setting(kind, otherwise, what, among=VERSION.pattern, expected=said)


_GO = _version("one", "1.22.10", "the Go version")
_PAIR = _version("pair", ["1.22.10", "1.23.9"], "the Go versions")

KNOWN: Mapping[str, Mapping[str, Setting]] = {
    "goroot": {
        "go": _GO,
        "layouts": Setting(
            "words",
            ["disk", "home", "shm"],
            "where GOROOT is; slow:50ms has a compiler that waits so long at each call",
            among="|".join((*trees.PLACES, trees.SLOW.pattern)),
            expected=f"any of {', '.join(trees.PLACES)}, slow:50ms",
        ),
        **_project(127, 320_000, 8),
        "rounds": _number(10, "each builds once in every layout"),
        "gocache": _choice("words", "cold", "Go's build cache", _WARMTHS),
        "pages": _choice("words", "warm", "the kernel's page cache", _WARMTHS),
        "where": _choice("words", "host", "it is built", ("host", "container")),
    },
    "stages": {"go": _GO, **_project(12, 8000, 4), "rounds": _number(3, "of cold builds")},
    "truth": {
        "go": _GO,
        "delay ms": _number(300, "what the compiler waits at each call"),
        "rounds": _number(6, "each builds three times"),
        **_project(3, 1200, 2),
    },
    "fs": {
        "go": _GO,
        "kinds": _choice("words", [*fs.KINDS], "the file systems", fs.KINDS),
        "rounds": _number(20, "of each file system, in an order of its own"),
        "files": _number(2000, "that are read in a round"),
        **_disks(),
        "fio": _choice("one", "yes", "fio's own figures for stat beside them", _YES),
    },
    "links": {
        "go": _GO,
        "rounds": _number(20, "of each way"),
        "files": _number(1000, "that are opened in a round"),
        "listing": _choice("one", "yes", "count the file calls of go list std too", _YES),
    },
    "switch": {
        "go": _PAIR,
        "switches": _number(1000, "there and back, half of them each"),
        "builders": _number(4, "that build meanwhile"),
    },
    "overlay": {"go": _PAIR, "rounds": _number(200, "switches each way")},
    "resolution": {"go": _PAIR},
    "recompile": {"go": _PAIR},
    "startup": {"go": _GO, "rounds": _number(20, "of each place")},
    "kernel": {
        "kernels": Setting(
            "words",
            ["6.1,secretmem.enable=1"],
            "to boot, each with words for its command line; another --set for another one",
            whole=True,
        )
    },
    "container": {
        "go": _GO,
        "engine": _choice("one", "docker", "a private one is started", ENGINES),
        "layouts": _choice("words", ["default", "override"], "of GOROOT in images", LAYOUTS),
        "rounds": _number(10, "each a cold build and a rebuild"),
        "packages": _number(12, "of the generated project"),
        "lines": _number(8000, "of the generated project"),
        "depth": _number(4, "of its imports"),
    },
    "distribute": {"go": _GO, "rounds": _number(20, "each a node that has nothing")},
}


def mistakes(experiment: str, given: Mapping[str, Value]) -> Mapping[str, str]:
    """What is wrong with settings, by their names: what was expected in their place."""
    known = KNOWN[experiment]
    found = {}
    for name, value in given.items():
        if name not in known:
            found[name] = f"a setting of {experiment}: {', '.join(known)}"
        elif (expected := known[name].mistake(value)) is not None:
            found[name] = expected
    return found


def of_words(words: Sequence[str], experiment: str) -> Mapping[str, str | list[str]]:
    """The settings of `lab bench --set`. Raises InputError where one is not NAME=VALUE."""
    found: dict[str, str | list[str]] = {}
    for pair in words:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(
                f"--set {pair}: NAME=VALUE was expected",
                remedy=f"one of the settings that lab bench {experiment} --help lists",
            )
        known = KNOWN[experiment].get(name)
        several = known is not None and known.kind != "one" and not known.whole
        values = value.split(",") if several else [value]
        before = found.get(name, [])
        values = [*(before if isinstance(before, list) else [before]), *values]
        found[name] = values[0] if len(values) == 1 else values
    return found


class Settings:
    """An experiment's settings, each read as what it is. Raises InputError where one is not."""

    def __init__(self, experiment: str, given: Mapping[str, Value]) -> None:
        for name, expected in mistakes(experiment, given).items():
            raise InputError(
                f"{experiment} has no such setting: {name} {given[name]!r}"
                if name not in KNOWN[experiment]
                else f"{name} is {given[name]!r}",
                remedy=f"expected {expected}",
            )
        self._found = {name: one.otherwise for name, one in KNOWN[experiment].items()} | dict(given)

    def text(self, name: str) -> str:
        value = self._found[name]
        return value if isinstance(value, str) else ",".join(value)

    def number(self, name: str) -> int:
        return int(self.text(name))

    def yes(self, name: str) -> bool:
        return self.text(name) == "yes"

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(_words(self._found[name]))

    def warmths(self, name: str) -> tuple[Warmth, ...]:
        return tuple(_WARMTHS[word] for word in self.words(name))
