"""BuildKit's plain progress (`--progress plain`), as the client or a CI's log has it.

Source of the lines: buildkit, util/progress/progressui/printer.go. A vertex is told as::

    #9 [build 1/2] COPY main.go /src/       its name, again each time the output comes back to it
    #9 0.117 text                           what it prints, seconds after its start
    #9 ...                                  the output goes to another
    #9 DONE 0.1s | CACHED | CANCELED | ERROR: why

DONE has the time that it was at work, waiting left out, to 0.1 s; of a hit there is none. There
are no times of day but those that a CI puts in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lab.dockerfile.model import Dockerfile
from lab.engines.protobuf import Status, Vertex, VertexLog
from lab.engines.recorded import buildkit
from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import Recorded

LINE = re.compile(r"#(\d{1,7}) (\S.*)?")
_DONE = re.compile(r"DONE(?: (\d{1,9}\.\d)s)?")
ERROR = re.compile(r"(?:ERROR|error): (?:failed to build: )?failed to solve: (.+)")
_TAG = re.compile(r"naming to (\S+)")
_LOADED = 4  # vertices that every build has before it is under way
_MOST = 100_000


@dataclass(slots=True)
class Build:
    """A build as its lines tell it, its vertices by number, between two times of day."""

    facts: dict[str, str]
    line: int
    begun: float | None = None
    ended: float | None = None
    names: dict[int, str] = field(default_factory=dict)
    first: dict[int, float | None] = field(default_factory=dict)
    over: dict[int, Vertex] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    logs: list[VertexLog] = field(default_factory=list)
    error: str | None = None

    def take(self, number: int, said: str, at: float | None) -> None:
        """One line of a vertex."""
        self.ended = at if at is not None else self.ended
        if number not in self.names:
            if len(self.names) < _MOST:
                self.names[number] = said
                self.first[number] = at
            return
        digest, begun = f"#{number}", self.first[number]
        vertex = Vertex(digest=digest, name=self.names[number], started=at, completed=at)
        if said in {"...", self.names[number]}:
            pass
        elif done := _DONE.fullmatch(said):
            self.over[number] = replace(vertex, started=_start(at, float(done[1] or 0)))
            if at is None:
                took = float(done[1] or 0)
                self.over[number] = replace(vertex, started=0.0, completed=took)
        elif said == "CACHED":
            self.over[number] = replace(vertex, cached=True)
        elif said == "CANCELED":
            self.over[number] = replace(vertex, started=begun, error="context canceled")
        elif said.startswith("ERROR: "):
            self.over[number] = replace(vertex, started=begun, error=said[7:])
        elif said[0].isdigit() and " " in said:
            self.logs.append(VertexLog(vertex=digest, data=f"{said.partition(' ')[2]}\n".encode()))
            del self.logs[:-200]  # the end of the output is kept of a build that failed
        else:
            self.parts.append(said)
            del self.parts[:-500]

    @property
    def closed(self) -> bool:
        """Whether the lines so far can be a whole build."""
        return len(self.names) >= _LOADED and self.names.keys() == self.over.keys()

    def messages(self) -> buildkit.Messages:
        """The same as BuildKit's status messages."""
        timed = self.begun is not None
        statuses = [Status(vertices=(self._vertex(one, timed=timed),)) for one in self._ordered()]
        statuses.append(Status(logs=tuple(self.logs), named=tuple(self.parts)))
        return buildkit.Messages(statuses=statuses, error=self.error)

    def _ordered(self) -> Iterator[Vertex]:
        yield from self.over.values()
        for number, name in self.names.items():
            if number not in self.over:
                yield Vertex(digest=f"#{number}", name=name, started=self.first[number] or 0.0)

    @staticmethod
    def _vertex(one: Vertex, *, timed: bool) -> Vertex:
        if timed or one.started is not None:
            return one
        return replace(one, started=0.0, completed=0.0)


def _start(at: float | None, took: float) -> float | None:
    return None if at is None else at - took


@dataclass(slots=True)
class Builds:
    """The builds of a log, one after another."""

    found: list[Build] = field(default_factory=list)

    def take(self, line: Line, facts: dict[str, str]) -> None:
        """One line; of anything else than a build it tells nothing."""
        now = self.found[-1] if self.found else None
        match = LINE.fullmatch(line.text)
        if match is None:
            if now is not None and (error := ERROR.match(line.text)):
                now.error = error[1].strip()
                now.ended = line.at or now.ended
            return
        number, said = int(match[1]), (match[2] or "").rstrip()
        if not said:
            return
        if _begins(now, number, said):
            now = Build(dict(facts), line.number, begun=line.at)
            self.found.append(now)
        if now is not None and number > 0:
            now.take(number, said, line.at)


def _begins(now: Build | None, number: int, said: str) -> bool:
    if number == 0:
        return said.startswith("building with ")  # since buildx 0.11
    if now is None:
        return number == 1 or said[:1] == "["  # the log's beginning can be cut off
    again = said == now.names.get(1) or said[:1] == "["
    return number == 1 and again and 1 in now.over and (now.closed or now.error is not None)


def recorded(build: Build, key: str, given: Dockerfile | None, target: str | None) -> Recorded:
    """The build of these lines. Raises NotRead where no step is named in them."""
    span = None
    if build.begun is not None and build.ended is not None:
        span = build.begun, build.ended
    tag = next((match[1] for part in build.parts if (match := _TAG.match(part))), None)
    made = buildkit.recorded(
        build.messages(),
        key=key,
        given=given,
        target=target,
        span=span,
        format="BuildKit plain log",
    )
    made = replace(made, hits_timed=False, facts=build.facts | ({"tag": tag} if tag else {}))
    return made if span else replace(made, timing="durations", started=None, wall_s=None)
