"""A command under strace: its calls on files, each with its path, result and duration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host.process import Argument, Done, found, run
from lab.model.errors import MissingPrerequisite

# 123 1700000000.123456 openat(AT_FDCWD, "/usr/lib/x", O_RDONLY) = -1 ENOENT (No such file) <0.0001>
_CALL = re.compile(
    r"^(?P<pid>\d+) +(?:[\d.]+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\w+|\?)"
    r"(?: (?P<error>E[A-Z0-9]+) \([^)]*\))?.*?(?: <(?P<took>[\d.]+)>)?$"
)
_UNFINISHED = re.compile(r"^(\d+) +(?:[\d.]+ +)?(\w+\(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+) +(?:[\d.]+ +)?<\.\.\. (\w+) resumed>(.*)$")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. ``path`` is its first path; ``took_s`` is strace's, with its own cost."""

    name: str
    path: str
    error: str | None
    took_s: float | None


def traced(
    command: Sequence[Argument],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    codes: Sequence[int] = (0,),
) -> tuple[Done, tuple[Call, ...]]:
    """Run a command, and what it starts, under strace; its end, and its calls that name a file."""
    if found("strace") is None:
        raise MissingPrerequisite(
            "there is no strace on this host", remedy="apt-get install strace"
        )
    done = run(
        ["strace", "-f", "-qq", "-T", "-s", "4096", "-e", "trace=%file", "-o", log, *command],
        environment=environment,
        folder=folder,
        codes=codes,
    )
    with log.open(encoding="utf-8", errors="replace") as lines:
        return done, tuple(read(lines))


def read(lines: Iterator[str] | Sequence[str]) -> Iterator[Call]:
    """The calls in strace's output with -f; a call that was cut in two by another is put together.

    What is no call (signals, exits) is passed over.
    """
    begun: dict[tuple[str, str], str] = {}
    for raw in lines:
        line = raw.rstrip("\n")
        if match := _UNFINISHED.match(line):
            begun[match[1], match[2].partition("(")[0]] = match[2]
            continue
        if match := _RESUMED.match(line):
            start = begun.pop((match[1], match[2]), None)
            if start is None:
                continue
            line = f"{match[1]} {start}{match[3]}"
        if (match := _CALL.match(line)) is None:
            continue
        path = _PATH.search(match["arguments"])
        if path is None:
            continue
        took = match["took"]
        yield Call(match["name"], plain(path[1]), match["error"], float(took) if took else None)


def plain(text: str) -> str:
    """A string as strace writes it, without its escapes."""

    def letter(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 8)) if code.isdigit() else _LETTERS.get(code, code)

    found = _ESCAPE.sub(letter, text)
    try:  # strace writes a name's bytes one by one
        return found.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return found
