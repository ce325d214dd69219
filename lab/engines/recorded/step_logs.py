"""Logs that count steps: Podman's and Buildah's (``STEP 2/5: RUN``), Docker's first builder's.

Their lines are those of the engines' streams (lab.engines.podman_stream, lab.engines.classic),
which decode them here too. Sources: buildah, imagebuildah/stage_executor.go; moby,
builder/dockerfile/dispatchers.go. Times are known where a CI or `--log-level debug` puts them in
front, and durations by `--log-rusage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from lab.dockerfile.model import Dockerfile
from lab.engines import classic, podman_stream
from lab.engines.podman_text import EXIT, STEP
from lab.engines.recorded import stage_order
from lab.engines.recorded.kept_lines import KeptLines
from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import Recorded
from lab.model import events
from lab.model.events import Event, Outcome

CLASSIC = re.compile(r"Step (\d{1,6})/(\d{1,6}) : (\w.*)")
_BUILT = re.compile(r"Successfully built [0-9a-f]{12,64}")
_IMAGE = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(r"Successfully tagged (\S+)")
_FAILED = re.compile(r'(?:Error: )?(?:error )?building at STEP "')
_ERROR = re.compile(r"(?:Error|error): (.+)")
_NONZERO = re.compile(r"The command '.*returned a non-zero code: (\d{1,6})$")
_REFUSED = re.compile(
    r"(?:COPY|ADD) failed|failed to |unable to |pull access denied|invalid |Error"
)
_GLUED = re.compile(
    r"(.+?)( ---> Removed intermediate container [0-9a-f]{12,64}|--> [0-9a-f]{11,64})"
)
_ELAPSED = re.compile(r"\S+\(system\) \S+\(user\) \S+\(elapsed\) ")


@dataclass(slots=True)
class Build:
    """The lines of one build, from its first step on."""

    facts: dict[str, str]
    classic: bool
    began: float | None
    kept: KeptLines = field(default_factory=KeptLines)
    begun: set[tuple[int, int]] = field(default_factory=set)
    over: bool = False

    def add(self, line: Line) -> None:
        """Take a line, and what was printed without a line end before an engine's own words."""
        parts = _GLUED.fullmatch(line.text)
        texts = [parts[1], parts[2]] if parts else [line.text]
        for text in texts:
            self.kept.add(Line(line.number, line.at, text, line.own))
        ended = _BUILT if self.classic else _IMAGE
        failed = not self.classic and _FAILED.match(line.text)
        self.over = self.over or bool(failed or ended.fullmatch(line.text))


@dataclass(slots=True)
class Builds:
    """The builds of a log, one after another."""

    found: list[Build] = field(default_factory=list)
    _began: float | None = None

    def take(self, line: Line, facts: dict[str, str]) -> None:
        """One line; before the first step of a build it tells nothing."""
        if line.own is not None:  # Podman's own log is no step's output
            self._began = self._began or line.own
            return
        now = self.found[-1] if self.found else None
        place = _place(line.text)
        if place is not None and place[1] == 1 and _begins(now, place, line.text):
            began = line.at or self._began
            now = Build(dict(facts), CLASSIC.fullmatch(line.text) is not None, began)
            self.found.append(now)
            self._began = None
        if now is None:
            return
        if place is not None:
            now.begun.add(place)
        now.add(line)


def _place(text: str) -> tuple[int, int] | None:
    if "tep " not in text and "TEP " not in text:
        return None
    if (match := CLASSIC.fullmatch(text)) is not None:
        return 0, int(match[1])
    if len(text) < 1 << 16 and (match := STEP.fullmatch(text)) is not None and len(match[3]) < 7:
        return int(match[1] or 1), int(match[3])
    return None


def _begins(now: Build | None, place: tuple[int, int], text: str) -> bool:
    """Whether a first step begins another build, and is not a step's output or a later stage's."""
    if now is None or now.over:
        return True
    return place in now.begun and now.classic == (CLASSIC.fullmatch(text) is not None)


def recorded(build: Build, key: str, given: Dockerfile | None, target: str | None) -> Recorded:
    """The build of these lines. Raises NotRead where their steps make no file."""
    lines = build.kept.lines
    first = next((line.at for line in lines if line.at is not None), None)
    tag = next((match[1] for one in lines if (match := _TAG.fullmatch(one.text))), None)
    if build.classic:
        read = _of_classic(build, key, given, first)
    else:
        read = _of_podman(build, key, given, target, first)
    return replace(read, facts=build.facts | ({"tag": tag} if tag else {}))


def _of_classic(build: Build, key: str, given: Dockerfile | None, first: float | None) -> Recorded:
    lines = build.kept.lines
    dockerfile = given or stage_order.of_classic(lines)
    return Recorded(
        format="docker build's first log",
        engine="docker-classic",
        key=key,
        dockerfile=dockerfile,
        told=partial(_classic, lines, dockerfile, first or 0.0),
        whole=given is not None,
        chained=True,
        timing="none" if first is None else "clock",
        started=build.began if first is None else first,
    )


def _of_podman(
    build: Build, key: str, given: Dockerfile | None, target: str | None, first: float | None
) -> Recorded:
    lines, start = build.kept.lines, first or 0.0
    order = stage_order.of_podman(lines)
    if order.layered and not order.parallel:
        target = target if given else None
        told = partial(_podman, lines, given or order.dockerfile, target, start)
    else:
        given = target = None  # the lines' order alone tells of these
        told = partial(_rough, lines, order, start)
    timed = first is not None and not order.parallel
    durations = any(_ELAPSED.match(line.text) for line in lines)
    return Recorded(
        format="Podman or Buildah log",
        engine="podman",
        key=key,
        dockerfile=given or order.dockerfile,
        told=told,
        whole=given is not None,
        chained=order.chained or given is not None,
        target=target,
        timing="clock" if timed else "durations" if durations else "none",
        started=start if timed else build.began,
    )


def _classic(lines: list[Line], dockerfile: Dockerfile, start: float) -> Iterator[Event]:
    decoder = classic.Decoder(dockerfile)
    last = max(n for n, line in enumerate(lines) if CLASSIC.fullmatch(line.text))
    done = any(_BUILT.fullmatch(line.text) for line in lines[last:])
    told, at = False, 0.0
    for number, line in enumerate(lines):
        at = _at(line, at, start)
        if number > last and not done and _fails(line.text, last=number == len(lines) - 1):
            code = _NONZERO.search(line.text)
            detail = {"message": line.text, "code": int(code[1]) if code else None}
            yield from decoder.feed(at, {"errorDetail": detail})
            told = True
            break
        text = line.text if CLASSIC.fullmatch(line.text) else f"{line.text}\n"
        for event in decoder.feed(at, {"stream": text}):
            told = told or isinstance(event, events.ImageBuilt)
            yield event
        if told:
            break
    if not told:
        yield events.Lost(at, "the file ends before the build does")
    yield events.Finished(at)


def _fails(text: str, *, last: bool) -> bool:
    return bool(_NONZERO.search(text)) or (last and _REFUSED.match(text) is not None)


def _podman(
    lines: list[Line], dockerfile: Dockerfile, target: str | None, start: float
) -> Iterator[Event]:
    decoder = podman_stream.Decoder(dockerfile, target)
    told, at = False, 0.0
    for line in lines:
        at = _at(line, at, start)
        message = {"stream": f"{line.text}\n"}
        if _FAILED.match(line.text):
            message = {"error": line.text.removeprefix("Error: ")}
        for event in decoder.feed(at, message):
            told = told or isinstance(event, events.ImageBuilt | events.BuildError)
            yield event
        if told:
            break
    if not told:
        yield from _unended(lines, at)
        yield from decoder.close(at)
    yield events.Finished(at)


def _rough(lines: list[Line], order: stage_order.Order, start: float) -> Iterator[Event]:
    """Steps as their lines follow one another: without layers, or of stages side by side."""
    at, told = 0.0, False
    open_steps: dict[int, int] = {}
    cached = any(line.text.startswith("--> Using cache ") for line in lines)
    outcome = None if order.parallel and cached else Outcome.MISS
    for number, line in enumerate(lines):
        at = _at(line, at, start)
        if _FAILED.match(line.text):
            text = line.text.removeprefix("Error: ")
            code = EXIT.search(text)
            failing = list(open_steps.values())[-1:]
            yield from _ends(failing, at, Outcome.FAILED, text)
            yield events.BuildError(at, text, int(code[1]) if code else None)
            told = True
            break
        if _IMAGE.fullmatch(line.text) and number >= order.last:
            yield from _all(order, list(open_steps.values()), at, outcome)
            yield events.ImageBuilt(at, f"sha256:{line.text}")
            told = True
            break
        step = order.steps.get(number)
        if step is None:
            yield events.Log(at, None, f"{line.text}\n".encode())
            continue
        stage = order.dockerfile.instructions[step].stage or 0
        before = [open_steps.pop(stage)] if stage in open_steps else []
        if not order.parallel:
            before += [open_steps.pop(one) for one in list(open_steps)]
        yield from _all(order, before, at, outcome)
        open_steps[stage] = step
        yield events.StepStarted(at, step, at)
    if not told:
        yield from _unended(lines, at)
    yield events.Finished(at)


def _all(
    order: stage_order.Order, steps: list[int], at: float, outcome: Outcome | None
) -> Iterator[Event]:
    for step in steps:
        base = order.dockerfile.instructions[step].keyword == "FROM"
        yield from _ends([step], at, None if base else outcome)


def _ends(steps: list[int], at: float, outcome: Outcome | None, error: str = "") -> Iterator[Event]:
    for step in steps:
        yield events.StepEnded(at, step, at, outcome, error)


def _unended(lines: list[Line], at: float) -> Iterator[Event]:
    """A log that says neither an image nor at which step it failed."""
    error = next((match for line in lines[-5:] if (match := _ERROR.match(line.text))), None)
    if error is not None:
        yield events.BuildError(at, error[1])
    else:
        yield events.Lost(at, "the file ends before the build does")


def _at(line: Line, before: float, start: float) -> float:
    return before if line.at is None else max(before, line.at - start)
