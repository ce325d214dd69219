"""What a probe program printed, as values. A line that is not whole is never an answer."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lab.model.errors import LabError

Kind = Literal["works", "refused", "killed", "unasked"]
BARE = "bare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one system call.

    ``error`` is the errno's name where it was refused (or where it did its work by refusing: see
    lab.validate.probes.syscall_table), ``signal`` what killed the caller, ``value``
    what it returned.
    """

    value: int | None = None
    error: str | None = None
    signal: str | None = None

    @property
    def word(self) -> str:
        """One word for a cell: works, ENOSYS, EPERM, ..., killed; "unasked" where no one asked."""
        if self.signal is not None:
            return "killed"
        if self.error is not None:
            return self.error
        return "unasked" if self.value is None else "works"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A program that was run in the root. ``code`` is None where a signal ended it.

    ``missing`` says that it could not be started: the image has no loader for it. ``used`` holds,
    where it was traced, its system calls by number; ``refused`` those that failed, with the errno.
    """

    code: int | None
    signal: str | None
    missing: bool
    output: tuple[str, ...]
    used: frozenset[int] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResults:
    """Everything that was asked of one kernel, in one root, under one confinement."""

    root: str
    confinement: str
    calls: Mapping[str, Answer]
    programs: Mapping[str, Ran] = field(default_factory=dict)


@dataclass(slots=True)
class _Gathered:
    calls: dict[str, Answer] = field(default_factory=dict)
    counted: int | None = None
    output: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, dict[int, int]] = field(default_factory=dict)
    ends: dict[str, tuple[str, int]] = field(default_factory=dict)


def parse(text: str, *, what: str) -> tuple[ProbeResults, ...]:
    """The results in a probe program's output; other lines (a kernel's own) are passed over.

    Raises LabError where the prober said that it failed, did not come to its end, or where fewer
    answers arrived than it sent.
    """
    gathered: dict[tuple[str, str], _Gathered] = {}
    done = False
    for line in text.splitlines():
        _, mark, rest = line.partition("@lab ")
        words = rest.rstrip().split(" ")
        if not mark or len(words) < 3:
            continue
        root, confinement, kind, *more = words
        if kind == "failed":
            raise LabError(f"{what}: the guest could not {_failure(more)}")
        done = done or kind == "done"
        if kind != "done":
            _take(gathered.setdefault((root, confinement), _Gathered()), kind, more)
    if not done:
        raise LabError(f"{what}: the prober did not come to its end\n{tail(text.splitlines())}")
    return tuple(_results(*key, found, what) for key, found in gathered.items())


def tail(lines: Sequence[str], count: int = 8) -> str:
    """The last lines of a console, without those that only clear a screen."""
    plain = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc", "", line).strip() for line in lines)
    return "\n".join([line for line in plain if line][-count:])


def _take(into: _Gathered, kind: str, words: Sequence[str]) -> None:
    if kind == "call" and len(words) == 3 and _is_number(words[2]):
        into.calls[words[0]] = _answer(words[1], int(words[2]))
    elif kind == "calls" and len(words) == 1 and _is_number(words[0]):
        into.counted = int(words[0])
    elif kind == "out" and words:
        into.output.setdefault(words[0], []).append(" ".join(words[1:]))
    elif kind == "used" and len(words) == 3 and all(map(_is_number, words[1:])):
        into.used.setdefault(words[0], {}).setdefault(int(words[1]), 0)
        if int(words[2]) < 0:
            into.used[words[0]][int(words[1])] = int(words[2])
    elif kind == "exit" and len(words) == 3 and _is_number(words[2]):
        into.ends[words[0]] = (words[1], int(words[2]))


def _results(root: str, confinement: str, found: _Gathered, what: str) -> ProbeResults:
    if found.counted is None or found.counted != len(found.calls):
        raise LabError(
            f"{what}: {len(found.calls)} of {found.counted} answers arrived whole",
            remedy="try again; if it stays, the guest's console is too slow or disturbed",
        )
    programs = {name: _ran(name, end, found) for name, end in found.ends.items()}
    return ProbeResults(root=root, confinement=confinement, calls=found.calls, programs=programs)


def _ran(name: str, end: tuple[str, int], found: _Gathered) -> Ran:
    how, number = end
    used = found.used.get(name, {})
    return Ran(
        code=number if how == "code" else None,
        signal=signal_name(number) if how == "signal" else None,
        missing=how == "code" and number == 126,
        output=tuple(found.output.get(name, ())),
        used=frozenset(used),
        refused={call: error_name(-code) for call, code in used.items() if code},
    )


def _answer(how: str, number: int) -> Answer:
    if how == "value":
        return Answer(value=number)
    if how == "error":
        return Answer(error=error_name(number))
    return Answer(signal=signal_name(number)) if how == "killed" else Answer()


def error_name(number: int) -> str:
    """An errno's name; its number where it has none here."""
    # Where a number has two names, Python knows the one that Linux's manual does not use.
    renamed = {errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EDEADLK: "EDEADLK", errno.EAGAIN: "EAGAIN"}
    return renamed.get(number) or errno.errorcode.get(number, f"errno {number}")


def signal_name(number: int) -> str:
    """A signal's name; its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failure(words: Iterable[str]) -> str:
    *what, number = words
    reason = error_name(int(number)) if _is_number(number) else number
    return f"do its part: {' '.join(what)}: {reason}"


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,18}", word) is not None
