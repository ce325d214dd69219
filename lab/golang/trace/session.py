"""One go command under a tracer: what it touched, and what its build cache had for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.golang.trace import goroot, lookups, perf, strace
from lab.host.process import Argument, pasteable, run, tail
from lab.model.errors import InputError

KEYS = {"GODEBUG": "gocachehash=1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """``said`` is what the command wrote on its standard error, keys of the cache included.

    ``paths`` is False where the tracer tells none.
    """

    by: str
    code: int
    said: str
    summary: goroot.Summary
    lookups: tuple[lookups.Lookup, ...]
    paths: bool

    @property
    def tail(self) -> str:
        """The end of what the command itself said."""
        return tail("\n".join(line for line in self.said.splitlines() if line[:4] != "HASH"))


def trace(command: Sequence[Argument], *, by: str) -> Traced:
    """Run a go command by "strace" or "perf". Raises InputError where it is no go command."""
    asked = [command[0], "env", "GOROOT", "GOCACHE", "GOMOD"]
    said = run(asked, codes=range(-64, 256))
    if said.code != 0:
        raise InputError(
            f"{command[0]} is no go command: `{pasteable(asked)}` ended with {said.code}",
            remedy="lab trace goroot -- go build ./...",
        )
    root, cache, module = (said.out + "\n\n\n").split("\n")[:3]
    project = str(Path(module).parent) if module not in {"", "/dev/null"} else ""
    tracer = strace if by == "strace" else perf
    with tempfile.TemporaryDirectory(prefix="lab-trace-") as folder:
        done, calls = tracer.traced(
            command, Path(folder) / "log", environment=KEYS, codes=range(256)
        )
    return Traced(
        by=by,
        code=done.code,
        said=done.err,
        summary=goroot.summary(calls, goroot=root, gocache=cache, project=project),
        lookups=lookups.lookups(calls, done.err, cache),
        paths=any(call.path for call in calls),
    )
