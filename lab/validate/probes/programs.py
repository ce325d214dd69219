"""Programs that are run in a root or a container, and what the lab's own of them tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.validate.probes import compiler
from lab.validate.probes.results import ProbeResults, Ran
from lab.validate.probes.syscall_table import TABLE

FACTS, THREAD = "libc-facts", "libc-thread"
_OF_MUSL = "-musl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run in every root: a file of this host, by its content, with one argument.

    ``traced`` tells its system calls too. ``argument`` is one word.
    """

    name: str
    file: Path
    argument: str = ""
    traced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """How the image's libc started a thread: what clone3 and clone answered (None: not called)."""

    works: bool
    clone3: str | None
    clone: str | None

    @property
    def words(self) -> str:
        """One line for people: which calls, what they answered, and what came of it."""
        calls = (("clone3", self.clone3), ("clone", self.clone))
        answered = [f"{name} {answer}" for name, answer in calls if answer is not None]
        end = "thread runs" if self.works else "no thread"
        return ", ".join([*answered, end])


def of_libc() -> tuple[Program, ...]:
    """The dynamic probe program's two runs, facts and one thread traced, for glibc and for musl.

    An image has the loader of one of them, or of none: the others are reported as missing. Raises
    MissingPrerequisite.
    """
    return tuple(
        Program(name=f"{name}{end}", file=file, argument=word, traced=name == THREAD)
        for file, end in ((compiler.dynamic(), ""), (compiler.dynamic("musl"), _OF_MUSL))
        for name, word in ((FACTS, "facts"), (THREAD, "thread"))
    )


def libc_facts(results: ProbeResults) -> Mapping[str, str] | None:
    """What the image's libc said: glibc or libc, getrandom, resolver.*, locale.*, timezone.* ...

    None where it was not asked, and where the image has no libc that could be loaded.
    """
    ran = _ran(results, FACTS)
    if ran is None or not ran.output:
        return None
    facts = dict(line.split(" ", 1) for line in ran.output if " " in line)
    return facts if facts.keys() & {"glibc", "libc"} else None


def threads(results: ProbeResults) -> Threads | None:
    """How a thread was started; None where it was not asked or the image has no libc."""
    ran = _ran(results, THREAD)
    if ran is None:
        return None
    return Threads(
        works="thread works" in ran.output,
        clone3=_answer(ran, TABLE["clone3"].number),
        clone=_answer(ran, TABLE["clone"].number),
    )


def _ran(results: ProbeResults, name: str) -> Ran | None:
    """The run with the libc that the image has: glibc's first, where it has both."""
    runs = (results.programs.get(name), results.programs.get(name + _OF_MUSL))
    return next((ran for ran in runs if ran is not None and not ran.missing), None)


def _answer(ran: Ran, number: int) -> str | None:
    if number not in ran.used:
        return None
    return ran.refused.get(number, "works")
