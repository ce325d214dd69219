"""What an engine says while it builds, in one language for all engines.

Times named ``at`` are seconds since the request was sent, on the client's monotonic clock.
Times named ``clock`` are seconds on the engine's own clock, whose zero is unknown to the client;
an engine without timestamps of its own gives ``clock == at``. A ``step`` is the index of an
instruction in the Dockerfile (see lab.dockerfile.parser), whatever numbers the engine itself uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a step."""

    HIT = "hit"
    MISS = "miss"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Raw:
    """One message exactly as the engine sent it: JSON text without its line end."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """What must happen before the build is done; the clock starts when more is asked for."""

    at: float


@dataclass(frozen=True, slots=True)
class ContextSent:
    """The whole request body has been handed to the engine."""

    at: float
    size: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began an interval of work; a step can have several."""

    at: float
    step: int
    clock: float


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended an interval of work. The last one of a step decides its outcome."""

    at: float
    step: int
    clock: float
    outcome: Outcome | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """Work of the engine that belongs to no step: loading the context, exporting, pulling."""

    at: float
    name: str
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Log:
    """A piece of a step's output: any bytes, not whole lines. ``step`` is None when unknown."""

    at: float
    step: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A warning of the engine that did not fail the build."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Evicted:
    """The engine dropped this many records of its cache while it built."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class CacheMoved:
    """The engine read a remote cache, or (``out``) wrote one, between two times of its clock.

    ``error``: it could not, and went on without it.
    """

    at: float
    out: bool
    started: float
    ended: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class ImageBuilt:
    """The engine named the image it made. Decides success together with no BuildError."""

    at: float
    id: str


@dataclass(frozen=True, slots=True)
class BuildError:
    """The engine says that the build failed. ``code`` is the exit code of a failed RUN."""

    at: float
    message: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The engine stopped talking before it said how the build ended."""

    at: float
    message: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every build: the response is read to its end."""

    at: float


Event = (
    Raw
    | Ready
    | ContextSent
    | StepStarted
    | StepEnded
    | Activity
    | Log
    | Note
    | Evicted
    | CacheMoved
    | ImageBuilt
    | BuildError
    | Lost
    | Finished
)
