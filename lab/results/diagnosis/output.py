"""What the steps of a stored build printed: its raw stream, decoded and summed by template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.engines.decoders import decoder
from lab.engines.docker_stream import Decoder
from lab.host.disk import disk
from lab.model.events import Log
from lab.model.record import Build
from lab.results import runs
from lab.results.diagnosis.templates import Templates, clean
from lab.results.raw_stream import OWN

_MOST_TEMPLATES = 20_000  # of a step; no real one comes near
_MOST_TEXTS = 20
_LONGEST_HELD = 1 << 16
_GOES_ON = re.compile(r":$|^Err:\d")


@dataclass(slots=True)
class Seen:
    """Lines of one template in one step of one build. ``gap_s`` is the time until the lines after
    them came, summed; ``longest`` is the line with the longest such wait. ``texts`` are
    different lines with a version in them, the first few, and their numbers; ``below`` is the line
    after the first one.
    """

    number: int
    text: str
    at: float
    count: int = 0
    gap_s: float = 0.0
    longest: tuple[float, int, str, str] = (0.0, 0, "", "")
    texts: dict[str, int] = field(default_factory=dict)
    below: str = ""

    @property
    def whole(self) -> str:
        """The first line, and the next one where it ends in a colon or is apt's of an address."""
        return f"{self.text} {self.below}" if _GOES_ON.search(self.text) else self.text


@dataclass(slots=True)
class StepOutput:
    """The lines of one step of one build, by template, in the order of their first ones."""

    seen: dict[str, Seen] = field(default_factory=dict)
    lines: int = 0
    last: tuple[int, str] = (0, "")  # the number and text of the last line


class _Collector:
    """Puts the pieces of a step's output together to lines and sums them."""

    def __init__(self, templates: Templates, started: float | None) -> None:
        self.output = StepOutput()
        self._templates = templates
        self._held = b""
        self._at = started
        self._before: Seen | None = None
        self._first: Seen | None = None  # the line before, where it was the first of its template

    def take(self, at: float, data: bytes) -> None:
        """A piece of output, of any number of lines."""
        *whole, rest = (self._held + data).split(b"\n")
        self._held = rest if len(rest) < _LONGEST_HELD else b""
        for line in whole:
            self._line(at, line)

    def end(self, at: float | None) -> None:
        """The step has ended: the last line, and how long the end was in coming."""
        if self._held.strip():
            self._line(self._at if at is None else at, self._held)
        self._wait(at, "the step's end")

    def _line(self, at: float | None, data: bytes) -> None:
        text = clean(data.decode("utf-8", "replace"))
        if not text:
            return
        output = self.output
        if at is not None:
            # A wait of no length is none: lines that came together are most of a long log.
            if at != self._at:
                self._wait(at, text)
            self._at = at
        output.lines += 1
        output.last = (output.lines, text)
        name = self._templates.of(text)
        found = output.seen.get(name)
        if self._first is not None:
            self._first.below = text
            self._first = None
        if found is None:
            if len(output.seen) >= _MOST_TEMPLATES:
                return
            found = output.seen[name] = self._first = Seen(output.lines, text, at or 0.0)
        found.count += 1
        if "<version>" in name and len(found.texts) < _MOST_TEXTS:
            found.texts.setdefault(text, output.lines)
        self._before = found

    def _wait(self, at: float | None, after: str) -> None:
        if at is None or self._at is None or self._before is None:
            return
        gap = at - self._at
        self._before.gap_s += gap
        if gap > self._before.longest[0]:
            self._before.longest = (gap, *self.output.last, after)


def outputs(folder: Path, build: Build, templates: Templates) -> dict[int | None, StepOutput]:
    """Each step's output, by the index of its instruction; of a build that kept none, none.

    None stands for what the engine said of no step.
    """
    ends = {
        step.index: (step.started_s, step.started_s + step.duration_s)
        for step in build.steps
        if step.started_s is not None and step.duration_s is not None
    }
    found: dict[int | None, _Collector] = {}
    for event in logged(folder, build):
        one = found.get(event.step)
        if one is None:
            begun = None if event.step is None else ends.get(event.step, (None,))[0]
            one = found[event.step] = _Collector(templates, begun)
        one.take(event.at, event.data)
    for step, one in found.items():
        one.end(ends[step][1] if step in ends else None)
    return {step: one.output for step, one in found.items()}


def logged(folder: Path, build: Build) -> Iterator[Log]:
    """What the steps of a build printed, in pieces as they came."""
    read: Decoder | None = None
    known = False
    for at, message in runs.events(folder, build.id):
        if not isinstance(message, dict):
            continue
        if message.get("schema") == OWN:
            step, text = message.get("step"), message.get("text")
            if isinstance(text, str) and isinstance(step, int | None):
                yield Log(at, step, text.encode(errors="backslashreplace"))
            continue
        if not known:
            known, read = True, _decoder(folder, build)
        if read is None:
            return
        for event in read.feed(at, message):
            if isinstance(event, Log):
                yield event


def _decoder(folder: Path, build: Build) -> Decoder | None:
    dockerfile = _dockerfile(folder, build)
    return None if dockerfile is None else decoder(build.cell.get("engine", ""), dockerfile)


def _dockerfile(folder: Path, build: Build) -> Dockerfile | None:
    if build.dockerfile is None or not (folder / build.dockerfile).is_file():
        return None
    with disk(folder):
        text = (folder / build.dockerfile).read_bytes().decode(errors="surrogateescape")
    try:
        return parse(text)
    except DockerfileError:
        return None
