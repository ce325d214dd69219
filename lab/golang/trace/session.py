"""One go command under a tracer: what it touched, and what its build cache had for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.golang.trace import goroot, lookups, perf, strace, why
from lab.host import temporary
from lab.host.process import Argument, found, pasteable, run, tail
from lab.model.errors import InputError

KEYS = {"GODEBUG": "gocachehash=1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """``said`` is what the command wrote on its standard error, keys of the cache included.

    ``paths`` is False where the tracer reports none.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """A command traced here and, if asked, with another GOROOT ``there``.

    ``missed`` counts the reasons why packages had to be compiled there, ``changed`` what differs
    in keys of the build cache.
    """

    here: Traced
    there: Traced | None = None
    missed: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The sums for programs."""
        found: dict[str, object] = asdict(self.here.summary) | {"traced_by": self.here.by}
        found |= {"lookups": lookups.counts(self.here.lookups), "exit_code": self.here.code}
        if self.there is not None:
            found |= {"against_lookups": lookups.counts(self.there.lookups)}
            found |= {"missed_because_of": self.missed, "keys_changed_by": self.changed}
        return found


def traces(command: Sequence[str], *, by: str | None, against: Path | None) -> Traces:
    """Trace a go command, and the same command of the GOROOT ``against``.

    Raises InputError where it is not a go command, or that not a GOROOT.
    """
    if found(command[0]) is None:
        raise InputError(
            f"there is no {command[0]} on PATH", remedy="lab goroot use VERSION, and put it on PATH"
        )
    if against is not None and not (against / "bin/go").is_file():
        raise InputError(
            f"{against} is not a GOROOT: there is no bin/go in it",
            remedy="a folder that holds bin/go, as `go env GOROOT` says it",
        )
    by = by or ("strace" if found("strace") else "perf")
    here = trace(command, by=by)
    if against is None:
        return Traces(here=here)
    there = trace([against.absolute() / "bin/go", *command[1:]], by=by)
    before, after = why.keys(here.said), why.keys(there.said)
    return Traces(
        here=here,
        there=there,
        missed=lookups.reasons(there.lookups, after, before),
        changed=why.grouped(why.changes(before, after)),
    )


def trace(command: Sequence[Argument], *, by: str) -> Traced:
    """Run a go command by "strace" or "perf". Raises InputError where it is not one."""
    asked = [command[0], "env", "GOROOT", "GOCACHE", "GOMOD"]
    said = run(asked, codes=range(-64, 256))
    if said.code != 0:
        raise InputError(
            f"{command[0]} is not a go command: `{pasteable(asked)}` ended with {said.code}",
            remedy="lab trace goroot -- go build ./...",
        )
    root, cache, module = (said.out + "\n\n\n").split("\n")[:3]
    project = str(Path(module).parent) if module not in {"", "/dev/null"} else ""
    tracer = strace if by == "strace" else perf
    with temporary.folder("trace") as folder:
        done, calls = tracer.traced(command, folder / "log", environment=KEYS, codes=range(256))
    return Traced(
        by=by,
        code=done.code,
        said=done.err,
        summary=goroot.summary(calls, goroot=root, gocache=cache, project=project),
        lookups=lookups.lookups(calls, done.err, cache),
        paths=any(call.path for call in calls),
    )
