"""The lines that Podman prints while it builds: their looks, and the state of the step at work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.dockerfile.model import Instruction
from lab.model.events import CacheMoved, Event, Log

STEP = re.compile(r"(?:\[(\d+)/(\d+)\] )?STEP (\d+)/(\d+): (.+)\n?", re.DOTALL)
ENDING = (  # in the order in which they come
    re.compile(r"--> Using cache ([0-9a-f]{64})\n"),
    re.compile(r"(?:\[\d+/\d+\] )?COMMIT(?: \S+)?\n"),
    re.compile(r"--> ([0-9a-f]{11,64})\n"),
    re.compile(r"\S+\(system\) \S+\(user\) (\S+)\(elapsed\) \S+ input \S+ output\n"),
)
CACHED, COMMIT, LEFT, RUSAGE = 1, 2, 3, 4
# Of a remote cache: what was fetched before "Using cache", and what is sent before "--> ID".
PULLED = re.compile(r"--> Cache pulled from remote \S+\n")
PUSHING = re.compile(r"--> Pushing cache \S+\n")
UNUSED = re.compile(r"\[Warning\] (one or more build args were not consumed: \[.*\])\n")
TAGGED = re.compile(r"Successfully tagged \S+\n")
IMAGE = re.compile(r"([0-9a-f]{64})\n")
WARNING = re.compile(r'time="[^"]+" level=warning msg="(.*)"\n')
EXIT = re.compile(r"exit status (\d+)\s*$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
_PLAIN = re.compile(r"[A-Z0-9]+")
LONGEST_LINE = 1 << 16  # a longer message is output, or a STEP whose text is told by its start


@dataclass(slots=True)
class OpenStep:
    """The step at work. ``instruction`` is None for one that the Dockerfile does not hold.

    ``due`` are messages that look like the end of the step, until something contradicts them.
    """

    instruction: Instruction | None
    text: str
    stage: int
    last: bool
    started: float
    silent: bool = True
    paused: bool = False
    cached: str | None = None
    committing: bool = False
    left: str | None = None
    elapsed: float | None = None
    ended: float | None = None
    pushing: float | None = None
    due: list[Log] = field(default_factory=list)

    @property
    def base(self) -> bool:
        return self.instruction is not None and self.instruction.keyword == "FROM"

    @property
    def rank(self) -> int:
        """The last part of the step's end that was said."""
        if self.elapsed is not None:
            return RUSAGE
        if self.left is not None:
            return LEFT
        return COMMIT if self.committing else CACHED if self.cached else 0

    @property
    def step(self) -> int | None:
        return None if self.instruction is None else self.instruction.index


def moved(step: OpenStep, at: float, text: str) -> Iterator[Event] | None:
    """What a line says of a remote cache; None where it says nothing of it. It ends no step."""
    log = Log(at, step.step, text.encode())
    if PULLED.fullmatch(text) and step.silent and not step.due and not step.base:
        return iter((log, CacheMoved(at, False, step.started, at)))
    if PUSHING.fullmatch(text) and not step.base:
        step.pushing = at  # of several such lines all but the last are a RUN's own
        return iter((log,))
    return None


def seconds(duration: str) -> float | None:
    """Go's way to write a duration: ``612ms``, ``1m2.5s``. None for anything else."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def same(instruction: Instruction, text: str) -> bool:
    """Whether Podman's text of a step is this instruction's, white space left out.

    FROM is printed with its variables replaced, or with the id of the stage that it names;
    a here-document's first line may be followed by its body.
    """
    keyword, _, rest = text.partition(" ")
    if keyword.upper() != instruction.keyword:
        return False
    if instruction.keyword == "FROM":
        return True
    mine = "".join(instruction.text.partition(" ")[2].split())
    seen = "".join(rest.split())
    return seen.startswith(mine) if instruction.heredocs else seen == mine


def alike(instruction: Instruction, text: str) -> bool:
    """Whether the two start alike: how Podman prints the rest may change with its version."""
    pair = ("".join(_PLAIN.findall(words.upper()))[:8] for words in (instruction.text, text))
    return len(set(pair)) == 1
