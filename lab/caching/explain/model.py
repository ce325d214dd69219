"""What can be explained, and its explanation: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from lab.caching.explain.cause_text import words
from lab.caching.explain.causes import Cause
from lab.dockerfile.cachekey import CacheInputs
from lab.model.events import Outcome
from lab.model.record import Build


class StepOutcome(Protocol):
    """One step of a build. ``duration_s`` is None where nobody measured it."""

    @property
    def index(self) -> int: ...

    @property
    def stage(self) -> str: ...

    @property
    def instruction(self) -> str: ...

    @property
    def outcome(self) -> Outcome | None: ...

    @property
    def duration_s(self) -> float | None: ...


class BuildOutcome(Protocol):
    """A build, measured or predicted: what its cache keys are made from, and what became of its
    steps.

    ``cold``: it passed the cache over. ``complete``: it reached its end.
    """

    @property
    def inputs(self) -> CacheInputs: ...

    @property
    def steps(self) -> Sequence[StepOutcome]: ...

    @property
    def cold(self) -> bool: ...

    @property
    def complete(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBuild:
    """A build that an engine made: its record, with its cache inputs."""

    record: Build
    inputs: CacheInputs

    @property
    def steps(self) -> Sequence[StepOutcome]:
        """The steps as they were recorded."""
        return self.record.steps

    @property
    def cold(self) -> bool:
        """Whether it was to pass the cache over."""
        return self.record.phase == "cold"

    @property
    def complete(self) -> bool:
        """Whether it ended well."""
        return self.record.status == "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExplanation:
    """Why one step has its outcome.

    ``causes`` are its own (a root). A step without, that ran all the same, is a knock-on miss:
    ``roots`` are the steps whose causes made it run. ``unsafe`` names what changed although the
    engine reused the step.
    """

    step: StepOutcome
    causes: tuple[Cause, ...] = ()
    roots: tuple[int, ...] = ()
    unsafe: tuple[Cause, ...] = ()

    @property
    def text(self) -> str:
        """The cause in words; empty for a hit."""
        if self.unsafe:
            return f"UNSAFE HIT: {words(self.unsafe)}"
        if self.causes:
            return words(self.causes)
        return "knock-on" if self.roots else ""


B = TypeVar("B", bound=BuildOutcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Generic[B]):
    """A build explained. ``against`` is the earlier build, None where there is none.

    ``seconds`` is what each root step cost: its own time, and that of its knock-on misses.
    """

    build: B
    against: B | None
    steps: tuple[StepExplanation, ...]
    seconds: Mapping[int, float] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[StepExplanation, ...]:
        """The steps with causes of their own."""
        return tuple(one for one in self.steps if one.causes)

    def knock_ons(self, root: int) -> tuple[StepExplanation, ...]:
        """The steps that missed only because this root did."""
        return tuple(one for one in self.steps if one.roots[-1:] == (root,))
