"""A command under `perf trace`, for hosts without strace: its calls on files, with their durations.

perf costs the command less than strace does, but only some builds of it show paths (those with BPF
programs of their own, perf 6.6 and later); others show where in memory a path is. A path that is
not known is empty here.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.golang.trace.strace import Call
from lab.host.process import Argument, Done, found, pasteable, run
from lab.model.errors import LabError, MissingPrerequisite

CALLS = (
    "chdir,execve,faccessat,linkat,mkdirat,newfstatat,openat,readlinkat,renameat,renameat2,statx,"
    "symlinkat,unlinkat,utimensat"
)
# Calls that younger processors' kernels have no more.
OLD_CALLS = "access,link,lstat,mkdir,open,readlink,rename,rmdir,stat,symlink,unlink"
LONGEST = 1e9  # milliseconds
# perf ends well however the command ends, so a shell writes down its exit code.
_CODED = '"$@"; echo $? > "$0"'
# 0.053 ( 0.018 ms): go/8399 openat(dfd: CWD, filename: "/etc/x") = -1 ENOENT (No such file)
_CALL = re.compile(
    r"^ *[\d.?]+ \( *(?P<took>[\d.]+)? *(?:ms)?\): .*?/(?P<thread>\d+) +"
    r"(?P<again>\.\.\. \[continued\]: )?"
    r"(?P<name>\w+)\((?P<arguments>.*)\) +(?:= (?P<result>-?\w+)(?: (?P<error>E[A-Z0-9]+) \(.*\))?|"
    r"(?P<open>\.\.\.))"
)
_PATH = re.compile(r'\w*(?:name|path\w*): "((?:[^"\\]|\\.)*)"')


def lacks() -> str | None:
    """Why this host cannot trace with perf; None where it can."""
    if found("perf") is None:
        return "there is no perf: apt-get install linux-perf"
    tried = run(["perf", "trace", "-e", "openat", "true"], codes=range(256))
    if tried.code == 0:
        return None
    said = (tried.err.strip().splitlines() or ["it said nothing"])[0]
    return f"perf trace does not work here: {said}"


def traced(
    command: Sequence[Argument],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    codes: Sequence[int] = (0,),
) -> tuple[Done, tuple[Call, ...]]:
    """Run a command, and what it starts, under perf; its end, and its calls on files.

    Raises MissingPrerequisite."""
    if (why := lacks()) is not None:
        raise MissingPrerequisite(why, remedy="apt-get install strace")
    names = f"{CALLS},{OLD_CALLS}" if platform.machine() == "x86_64" else CALLS
    code = log.with_name("code")
    done = run(
        ["perf", "trace", "-o", log, "-e", names, "--", "sh", "-c", _CODED, code, *command],
        environment=environment,
        folder=folder,
    )
    done = replace(done, code=int(code.read_text()))
    if done.code not in codes:
        raise LabError(f"exit code {done.code} of: {pasteable(command, environment, folder)}")
    with log.open(encoding="utf-8", errors="replace") as lines:
        return done, tuple(read(lines))


def read(lines: Iterator[str] | Sequence[str]) -> Iterator[Call]:
    """The calls in perf's output; one that another cut in two is put together."""
    begun: dict[tuple[str, str], str] = {}
    for line in lines:
        if (match := _CALL.match(line)) is None:
            continue
        place = match["thread"], match["name"]
        if match["open"]:
            begun[place] = match["arguments"]
            continue
        path = _PATH.search(begun.pop(place, "") if match["again"] else match["arguments"])
        took = match["took"]
        error = match["error"]
        # Of a call that began before perf looked, some versions tell the wrapped-round difference.
        lasted = float(took) / 1e3 if took and float(took) < LONGEST else None
        yield Call(match["name"], path[1] if path else "", error, lasted)
