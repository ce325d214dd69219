"""A build's stream of events made into what is known of it. Pure; memory does not grow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.dockerfile.model import Dockerfile, Instruction
from lab.model import events
from lab.model.events import Event, Outcome
from lab.model.record import HIT_RATE_KEYWORDS, BuildStatus, Cache, Step

LOG_TAIL = 4000  # bytes of the last output kept beside a failure: about fifty lines
_LINE_LIMIT = 256  # no mark is longer; a longer line is passed over without being kept
_MARK = re.compile(rb"^::lab-mark ([a-z][a-z0-9-]{0,31}) (\d{1,9}(?:\.\d{1,9})?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """What the events said; the fields mean what lab.model.record.Build says of them."""

    status: BuildStatus
    reason: str | None
    wall_s: float
    critical_path_s: float
    steps_s: float
    unattributed_s: float
    context_bytes: int | None
    context_sent_s: float | None
    image_id: str | None
    cache: Cache
    steps: tuple[Step, ...]
    marks: Mapping[str, float]
    notes: tuple[str, ...]
    log_tail: str | None


@dataclass(slots=True)
class _Work:
    open: float | None = None
    intervals: list[tuple[float, float]] = field(default_factory=list)
    outcome: Outcome | None = None
    error: str = ""
    seen: bool = False


class BuildRecorder:
    """Takes every event of one build in order; ``result`` is asked once, after Finished."""

    def __init__(
        self, dockerfile: Dockerfile, target: str | None = None, marks: tuple[str, ...] = ()
    ) -> None:
        self._dockerfile = dockerfile
        self._needed = dockerfile.needed(target)
        self._wanted_marks = frozenset(marks)
        self._work: dict[int, _Work] = {}
        self._offset: float | None = None
        self._wall = 0.0
        self._context: events.ContextSent | None = None
        self._image: str | None = None
        self._failure: events.BuildError | None = None
        self._lost: events.Lost | None = None
        self._marks: dict[str, float] = {}
        self._notes: dict[str, None] = {}
        self._tail = bytearray()
        self._lines: dict[int | None, bytes | None] = {}

    def add(self, event: Event) -> None:
        """Take one event."""
        match event:
            case events.StepStarted(step=step, clock=clock):
                work = self._see(step, event.at, clock)
                work.open = clock
            case events.StepEnded(step=step, clock=clock):
                work = self._see(step, event.at, clock)
                work.intervals.append((clock if work.open is None else work.open, clock))
                work.open = None
                work.outcome, work.error = event.outcome, event.error
            case events.Log(step=step, data=data):
                self._log(step, data)
            case events.ContextSent():
                self._context = event
            case events.ImageBuilt(id=image):
                self._image = image
            case events.Note(text=text):
                self._notes[text] = None
            case events.BuildError():
                self._failure = self._failure or event
            case events.Lost():
                self._lost = event
            case events.Finished(at=at):
                self._wall = at
            case _:
                pass  # raw messages and activities are the store's and the live view's

    def result(self) -> BuildOutcome:
        """The build by what its events said."""
        steps = tuple(self._step(one) for one in self._dockerfile.instructions)
        status, reason = self._status()
        busy = _union([span for work in self._work.values() for span in self._spans(work)])
        return BuildOutcome(
            status=status,
            reason=reason,
            wall_s=self._wall,
            critical_path_s=self._critical_path(steps),
            steps_s=sum(step.duration_s or 0.0 for step in steps),
            unattributed_s=max(0.0, self._wall - busy),
            context_bytes=self._context.size if self._context else None,
            context_sent_s=self._context.at if self._context else None,
            image_id=self._image,
            cache=_count(self._dockerfile, steps),
            steps=steps,
            marks=dict(self._marks),
            notes=tuple(self._notes),
            log_tail=None if status == "ok" else self._tail.decode("utf-8", "replace") or None,
        )

    def _see(self, step: int, at: float, clock: float) -> _Work:
        # An event arrives after it happened, so the smallest delay seen is the best estimate of
        # how far the engine's clock is from ours.
        offset = at - clock
        if self._offset is None or offset < self._offset:
            self._offset = offset
        work = self._work.setdefault(step, _Work())
        work.seen = True
        return work

    def _spans(self, work: _Work) -> list[tuple[float, float]]:
        offset = self._offset or 0.0
        spans = [(start + offset, end + offset) for start, end in work.intervals]
        if work.open is not None:  # still open when the stream ended: worked on until then
            spans.append((work.open + offset, max(work.open + offset, self._wall)))
        return spans

    def _status(self) -> tuple[BuildStatus, str | None]:
        if self._failure is not None:
            return "failed", self._failure.message.strip()
        if self._lost is not None:
            return "engine-lost", self._lost.message
        if self._image is None:
            return "engine-lost", "the engine's answer ended without an image and without an error"
        return "ok", None

    def _step(self, instruction: Instruction) -> Step:
        work = self._work.get(instruction.index, _Work())
        spans = self._spans(work)
        return Step(
            index=instruction.index,
            stage=self._dockerfile.stage_name(instruction),
            instruction=instruction.text,
            outcome=self._outcome(instruction, work),
            started_s=min((start for start, _ in spans), default=None),
            duration_s=_union(spans) if spans else None,
            error=work.error or None,
        )

    def _outcome(self, instruction: Instruction, work: _Work) -> Outcome | None:
        stopped = self._failure is not None or self._lost is not None
        if work.open is not None and stopped:
            return Outcome.FAILED if self._failure is not None else None
        if work.outcome is not None or work.seen:
            return work.outcome
        unneeded = instruction.stage is not None and instruction.stage not in self._needed
        if unneeded or instruction.keyword in HIT_RATE_KEYWORDS:
            return Outcome.SKIPPED
        return None

    def _critical_path(self, steps: tuple[Step, ...]) -> float:
        ends: list[float] = []
        for instruction, step in zip(self._dockerfile.instructions, steps, strict=True):
            before = max((ends[i] for i in self._dockerfile.depends_on(instruction)), default=0.0)
            ends.append(before + (step.duration_s or 0.0))
        return max(ends, default=0.0)

    def _log(self, step: int | None, data: bytes) -> None:
        self._tail += data[-LOG_TAIL:]
        del self._tail[:-LOG_TAIL]
        if not self._wanted_marks:
            return
        held = self._lines.get(step, b"")
        *whole, rest = data.split(b"\n")
        for line in whole:
            if held is not None and len(held) + len(line) <= _LINE_LIMIT:
                self._mark(held + line)
            held = b""
        # None: the line that is being received is already too long to be a mark
        self._lines[step] = (
            None if held is None or len(held) + len(rest) > _LINE_LIMIT else held + rest
        )

    def _mark(self, line: bytes) -> None:
        match = _MARK.match(line)
        if match and (name := match[1].decode()) in self._wanted_marks:
            self._marks[name] = float(match[2])


def _count(dockerfile: Dockerfile, steps: tuple[Step, ...]) -> Cache:
    counted = [
        step.outcome
        for instruction, step in zip(dockerfile.instructions, steps, strict=True)
        if instruction.keyword in HIT_RATE_KEYWORDS
    ]
    return Cache(
        hits=counted.count(Outcome.HIT),
        # A step that failed was looked up and not found: it ran.
        misses=counted.count(Outcome.MISS) + counted.count(Outcome.FAILED),
        skipped=counted.count(Outcome.SKIPPED),
    )


def _union(spans: list[tuple[float, float]]) -> float:
    """The length of the union of intervals, in their unit."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total
