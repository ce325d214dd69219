"""What is read out of a file that some other tool wrote about a build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lab.dockerfile.model import Dockerfile
from lab.model.events import Event

# No real log comes near: BuildKit itself clips each step's output at 2 MiB, and the largest record
# of a CI that was found, of a build for eight platforms, has 10 MB of status messages.
LARGEST = 64 << 20

Timing = Literal["clock", "durations", "none"]


class Told(Protocol):
    """Gives a build's events anew each time it is called."""

    def __call__(self) -> Iterator[Event]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One build as its file tells it.

    ``key`` tells it from the other builds of its file, and where the builder gave it a reference it
    is that. ``dockerfile`` is the file that was built where ``whole``, else what the steps' names
    tell of it: then ``chained`` says whether it is known which stage needs which. ``timing`` says
    whether times of day, only durations or no times are known, ``hits_told``
    whether all steps that a cache gave are in it; ``started`` is in seconds since
    1970, ``wall_s`` given where the file tells more than its events. ``image`` is an id or digest.
    ``facts`` are words of the file under the lab's names: commit, branch, repository, ci, job,
    target, platform, tag, reference.
    """

    format: str
    engine: str
    key: str
    dockerfile: Dockerfile
    told: Told
    whole: bool = False
    chained: bool = True
    target: str | None = None
    timing: Timing = "clock"
    hits_timed: bool = True
    hits_told: bool = True
    started: float | None = None
    wall_s: float | None = None
    image: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class NotRead(ValueError):
    """The file is not what it looked like, or is torn. ``place`` is a line or a member of it."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
