"""Reads what Podman prints while it builds, and tells it as the lab's events.

Podman's build API sends text meant for people, one message a line or a chunk of a RUN's output
(seen on Podman 4.3.1 and 5.8.6, `layers=true`, `jobs=1`, `rusage=true`):

    [2/3] STEP 4/9: RUN make            stage 2 of 3, its instruction 4 of 9
    --> Using cache <64 hex digits>     only for a hit
    --> <11 or 12 hex digits>           the image that the step left
    115ms(system) 150ms(user) 612ms(elapsed) 0B input 28.67kB output
    [3/3] COMMIT name                   before the `-->` of the last step
    Successfully tagged name
    <64 hex digits>                     the image

Stages count with the skipped ones, up to the target; with one stage there is no prefix. An ARG
before the first FROM is not counted. ONBUILD triggers of the base stand after FROM and raise N
from then on; labels given by the API stand at the end as LABEL steps. Where a stage is referred
to by its number, Podman begins the later stage first and breaks into it.

A RUN may print lines of the same look. So a line counts only where it is due: STEP only with the
number, the text and the place that the Dockerfile gives, the others only in their order with
nothing between. Whatever turns out to be out of order was output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.engines.podman_text import (
    CACHED,
    COMMIT,
    ENDING,
    EXIT,
    IMAGE,
    LEFT,
    LONGEST_LINE,
    STEP,
    TAGGED,
    UNUSED,
    WARNING,
    OpenStep,
    alike,
    moved,
    same,
    seconds,
)
from lab.model.events import (
    Activity,
    BuildError,
    CacheMoved,
    Event,
    ImageBuilt,
    Log,
    Note,
    Outcome,
    StepEnded,
    StepStarted,
)

if TYPE_CHECKING:
    from lab.dockerfile.model import Dockerfile, Instruction


class Decoder:
    """Events of one build out of Podman's messages.

    ``made`` are the images that the build's own steps left, in their order, as short ids;
    ``reused`` those taken from the cache, as full ids. ``remote``: a remote cache is in use.
    """

    def __init__(
        self, dockerfile: Dockerfile, target: str | None = None, *, remote: bool = False
    ) -> None:
        self._file, self._remote = dockerfile, remote
        self._stages = dockerfile.target(target) + 1
        self._open: list[OpenStep] = []
        self._counts: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._notes: set[str] = set()
        self._rusage = False
        self.made: list[str] = []
        self.reused: list[str] = []

    def feed(self, at: float, message: Mapping[str, Any]) -> Iterator[Event]:
        """The events of one message, received ``at``."""
        detail = message.get("errorDetail")
        if detail is not None or "error" in message:
            text = detail.get("message") if isinstance(detail, Mapping) else message.get("error")
            yield from self._failed(at, str(text or "the engine gave no reason"))
        elif isinstance(text := message.get("stream"), str) and text:
            yield from self._line(at, text)

    def close(self, at: float) -> Iterator[Event]:
        """The stream has ended: what was held back is told."""
        while self._open:
            step = self._open[-1]
            if self._over(step):
                yield from self._end(at)
            else:
                yield from self._flush()
                self._open.pop()

    def _line(self, at: float, text: str) -> Iterator[Event]:
        if self._inner_over() and not ENDING[-1].fullmatch(text):
            yield from self._end(at)
        if len(text) > LONGEST_LINE:
            yield from self._step_line(at, text) or self._output(at, text)
            return
        found = self._step_line(at, text) or self._ending(at, text)
        if found is None and self._remote and self._open:
            found = moved(self._open[-1], at, text)
        if found is not None:
            yield from found
        else:
            yield from self._output(at, text)

    def _step_line(self, at: float, text: str) -> Iterator[Event] | None:
        match = STEP.fullmatch(text)
        if match is None:
            return None
        stage = int(match[1] or 1) - 1
        if int(match[2] or 1) != self._stages or stage >= self._stages:
            return None
        number, count = int(match[3]), int(match[4])
        if number != self._next.get(stage, 1) or not self._in_place(stage, number):
            return None
        members = self._file.stages[stage].instructions
        shift = 0 if number == 1 else count - self._counts[stage]
        place = number - 1 if number == 1 else number - 1 - shift
        if shift < 0 or number > count or count < len(members):
            return None
        known = place < len(members) and (place > 0 or number == 1)
        instruction = self._file.instructions[members[place]] if known else None
        if instruction is not None and not self._told(instruction, match[5]):
            return None
        self._counts.setdefault(stage, count)
        self._next[stage] = number + 1
        return self._begin(at, instruction, match[5].rstrip("\n"), (stage, number == count))

    def _told(self, instruction: Instruction, text: str) -> bool:
        """Whether the text is the instruction's; in doubt, its start and place decide."""
        ended = bool(self._open) and self._open[-1].elapsed is not None
        return same(instruction, text) or (ended and alike(instruction, text))

    def _over(self, step: OpenStep) -> bool:
        """Whether everything that ends a step has been said."""
        told = step.elapsed is not None or not self._rusage
        return told and (step.left is not None or (step.base and step.elapsed is not None))

    def _inner_over(self) -> bool:
        """Whether a stage that was broken into a waiting step is over."""
        return len(self._open) > 1 and self._open[-1].last and self._over(self._open[-1])

    def _in_place(self, stage: int, number: int) -> bool:
        """Whether a step of this number can begin now."""
        if not self._open:
            return number == 1
        step = self._open[-1]
        if stage == step.stage:
            return self._over(step) or step.base
        if self._over(step) and step.last:
            return number == 1
        needs = step.base or (step.instruction and self._file.sources(step.instruction))
        return number == 1 and bool(needs) and step.silent

    def _begin(
        self, at: float, instruction: Instruction | None, text: str, place: tuple[int, bool]
    ) -> Iterator[Event]:
        before = self._open[-1] if self._open else None
        if before and (self._over(before) or before.stage == place[0]):
            yield from self._end(at)
        elif before:
            waiting = before
            waiting.paused = True
            if waiting.step is not None:
                yield StepEnded(at, waiting.step, at, None)
        step = OpenStep(instruction, text, place[0], place[1], at)
        self._open.append(step)
        if step.step is not None:
            yield StepStarted(at, step.step, at)

    def _ending(self, at: float, text: str) -> Iterator[Event] | None:
        """What a line means that comes at the end of a step; None where it is not due."""
        if not self._open:
            return None
        step = self._open[-1]
        if self._final(step, text):
            return self._image(at, text)
        for rank, pattern in enumerate(ENDING, start=1):
            if match := pattern.fullmatch(text):
                return self._mark(at, step, rank, match) if self._due(step, rank, match) else None
        return None

    def _due(self, step: OpenStep, rank: int, match: re.Match[str]) -> bool:
        final = step.last and step.stage + 1 == self._stages
        if rank == CACHED:
            return not step.base and step.silent and not step.due
        if rank == COMMIT:
            return final
        if rank == LEFT and step.cached is not None:
            return step.cached.startswith(match[1])
        if rank == LEFT:
            return not final or step.rank == COMMIT
        return seconds(match[1]) is not None

    def _mark(self, at: float, step: OpenStep, rank: int, match: re.Match[str]) -> Iterator[Event]:
        """Take the line for a part of the step's end; what it contradicts was output."""
        if rank <= step.rank:
            yield from self._flush()
            step.silent = False
        if rank == CACHED:
            step.cached = match[1]
        elif rank == COMMIT:
            step.committing = True
        elif rank == LEFT:
            step.left, step.ended = match[1], at
            if step.pushing is not None:
                yield CacheMoved(at, True, step.pushing, at)
        else:
            step.elapsed, step.ended = seconds(match[1]), at
            self._rusage = self._rusage or step.base
        step.due.append(Log(at, step.step, match[0].encode()))
        if self._inner_over() and step.elapsed is not None:
            yield from self._end(at)  # the step that waited for this stage goes on

    def _final(self, step: OpenStep, text: str) -> bool:
        match = IMAGE.fullmatch(text)
        at_end = step.last and step.stage + 1 == self._stages and self._over(step)
        return bool(match and at_end and step.left and match[1].startswith(step.left))

    def _image(self, at: float, text: str) -> Iterator[Event]:
        ended = self._open[-1].ended
        yield from self._end(at)
        if ended is not None:
            yield Activity(at, "naming the image", ended, at)
        yield ImageBuilt(at, f"sha256:{text.strip()}")

    def _end(self, at: float) -> Iterator[Event]:
        step = self._open.pop()
        if step.left is not None and not step.base:
            (self.reused if step.cached else self.made).append(step.cached or step.left)
        clock = self._clock(at, step)
        outcome = Outcome.HIT if step.cached else Outcome.MISS
        if step.step is None:
            yield Activity(at, step.text[:200], step.started, clock)
        else:
            yield StepEnded(at, step.step, clock, None if step.base else outcome)
        waiting = self._open[-1] if self._open and step.last else None
        if waiting is not None and waiting.paused and waiting.step is not None:
            yield StepStarted(at, waiting.step, at)

    def _output(self, at: float, text: str) -> Iterator[Event]:
        step = self._open[-1] if self._open else None
        log = Log(at, step.step if step else None, text.encode())
        if match := WARNING.fullmatch(text):
            note = match[1].replace('\\"', '"')
            if note not in self._notes and len(self._notes) < 100:
                self._notes.add(note)
                yield Note(at, note)
        elif step:
            unused = UNUSED.fullmatch(text)
            ending = unused or TAGGED.fullmatch(text)
            if self._over(step) and step.last and len(step.due) < 9 and ending:
                step.due.append(log)
                if unused:
                    yield Note(at, unused[1])
                return
            yield from self._flush()
            step.silent = False
        yield log

    def _flush(self) -> Iterator[Event]:
        """What looked like the end of the step was its output."""
        step = self._open[-1]
        yield from step.due
        step.due.clear()
        step.cached = step.left = step.elapsed = step.ended = None
        step.committing = False

    def _failed(self, at: float, message: str) -> Iterator[Event]:
        match = EXIT.search(message)
        step = self._open.pop() if self._open else None
        if step is not None and step.left is not None and self._over(step):
            self._open.append(step)
            yield from self._end(at)
        elif step is not None and step.step is not None:
            yield StepEnded(at, step.step, self._clock(at, step), Outcome.FAILED, message.strip())
        self._open.clear()
        yield BuildError(at, message.strip(), int(match[1]) if match else None)

    @staticmethod
    def _clock(at: float, step: OpenStep) -> float:
        """The end of a step: by the engine's own measure where it gave one."""
        if step.elapsed is not None and not step.paused:
            return step.started + step.elapsed
        return at if step.ended is None else step.ended
