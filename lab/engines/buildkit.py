"""BuildKit's trace turned into events (POST /build?version=2, every BuildKit since 0.8)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from lab.dockerfile.model import Dockerfile
from lab.engines import protobuf
from lab.engines.protobuf import Status, Vertex
from lab.engines.vertices import Vertices
from lab.model import events
from lab.model.events import Event, Outcome

_CODE = re.compile(r"exit code: (\d+)\s*$")
_CANCELED = "context canceled"
_CACHES = ("importing cache manifest from ", "exporting cache")  # what their vertices are named


class Known(Protocol):
    """Which instructions vertices stand for (lab.engines.vertices tells it by the Dockerfile)."""

    def announce(self, vertex: Vertex) -> None:
        """Learn of a vertex."""

    def steps(self, digest: str) -> tuple[int, ...]:
        """The instructions that it stands for; the one it is named after comes first."""

    def ancestors(self, digest: str) -> frozenset[str]:
        """All vertices that it depends on."""


class Decoder:
    """Takes the messages of one build in their order. Memory grows with its steps alone.

    ``vertices`` says which steps they stand for, where that is not to be read from the Dockerfile.
    """

    def __init__(
        self, dockerfile: Dockerfile, target: str | None = None, vertices: Known | None = None
    ) -> None:
        self._dockerfile = dockerfile
        self._vertices: Known = vertices or Vertices(dockerfile, target)
        self._ended: dict[tuple[str, float], Vertex] = {}
        self._begun: set[tuple[str, float]] = set()
        self._outcomes: dict[str, Outcome] = {}
        self._clock = 0.0
        self._soft: dict[str, None] = {}
        self._warned: set[str] = set()
        self._failed = False

    def feed(self, at: float, message: Mapping[str, Any]) -> Iterator[Event]:
        """What one message tells. Messages of an unknown kind tell nothing."""
        aux = message.get("aux")
        if isinstance(aux, str) and message.get("id") == "moby.buildkit.trace":
            yield from self._trace(at, aux)
        elif isinstance(aux, Mapping) and isinstance(aux.get("ID"), str):
            yield events.ImageBuilt(at, aux["ID"])
        detail = message.get("errorDetail")
        text = detail.get("message") if isinstance(detail, Mapping) else message.get("error")
        if text:
            self._failed = True
            code = _CODE.search(str(text))
            yield events.BuildError(at, str(text), int(code[1]) if code else None)

    def close(self, at: float) -> Iterator[Event]:
        """The errors that did not fail the build."""
        if not self._failed:
            for text in self._soft:
                yield events.Note(at, text)

    def _trace(self, at: float, aux: str) -> Iterator[Event]:
        try:
            status = protobuf.status(base64.b64decode(aux, validate=True))
        except (ValueError, binascii.Error) as error:
            yield events.Note(at, f"a message of BuildKit could not be read: {error}")
            return
        yield from self.status(at, status)

    def status(self, at: float, status: Status) -> Iterator[Event]:
        """What one message of BuildKit's own tells, however it came."""
        for vertex in status.vertices:
            self._vertices.announce(vertex)
        for vertex in status.vertices:
            self._clock = max(self._clock, vertex.started or 0.0, vertex.completed or 0.0)
            steps = self._vertices.steps(vertex.digest)
            yield from self._step(at, vertex, steps) if steps else self._activity(at, vertex)
        for log in status.logs:
            steps = self._vertices.steps(log.vertex)
            yield events.Log(at, steps[0] if steps else None, log.data)
        for text in status.warnings:
            if text not in self._warned:
                self._warned.add(text)
                yield events.Note(at, text)

    def _step(self, at: float, vertex: Vertex, steps: tuple[int, ...]) -> Iterator[Event]:
        started, completed = vertex.started, vertex.completed
        if started is None:
            if not vertex.error:
                return  # announced, not yet at work
            started = completed = self._clock  # it failed before it could start
        key = (vertex.digest, started)
        if key not in self._begun:
            self._begun.add(key)
            for step in steps:
                yield events.StepStarted(at, step, started)
        if completed is None or self._same(self._ended.get(key), vertex):
            return
        self._ended[key] = vertex
        outcome = self._decided(vertex)
        for step in steps:
            kept = None if self._is_from(step) else outcome
            yield events.StepEnded(at, step, completed, kept, vertex.error)
        if outcome is Outcome.FAILED:
            yield from self._unneeded(at, vertex.digest, started)

    def _activity(self, at: float, vertex: Vertex) -> Iterator[Event]:
        if vertex.error and not vertex.error.endswith(_CANCELED):
            self._soft[f"{vertex.name}: {vertex.error}"] = None
        if vertex.started is None or vertex.completed is None:
            return
        key = (vertex.digest, vertex.started)
        if key not in self._ended:
            self._ended[key] = vertex
            yield events.Activity(at, vertex.name, vertex.started, vertex.completed)
            if vertex.name.startswith(_CACHES):
                out, span = vertex.name.startswith(_CACHES[1]), (vertex.started, vertex.completed)
                yield events.CacheMoved(at, out, *span, vertex.error)

    def _unneeded(self, at: float, digest: str, started: float) -> Iterator[Event]:
        """Steps marked as cached only because a step that needs them failed.

        BuildKit gives the inputs of a starting vertex a mark "cached" at that very moment where
        they were not at work themselves. A vertex that fails while its cache key is computed was
        started, but its inputs were never asked for. A RUN that fails has had its inputs loaded:
        they started earlier. Source: buildkit, solver/progress.go, vertexStream.append.
        """
        for other in self._vertices.ancestors(digest):
            marked = self._ended.get((other, started))
            if marked is None or not marked.cached or marked.completed != started:
                continue
            for step in self._vertices.steps(other):
                if not self._is_from(step):
                    yield events.StepEnded(at, step, started, Outcome.SKIPPED)

    def _decided(self, vertex: Vertex) -> Outcome:
        """What the interval says of the step; one that fetches a hit's layers says nothing new.

        A remote cache's hit is told first, and its layers are fetched when something needs them:
        intervals that are not marked "cached", and name no inputs. Source: buildkit 0.25,
        util/progress/controller/controller.go, which writes a vertex of digest and name alone.
        """
        outcome = self._outcome(vertex)
        fetching = outcome is Outcome.MISS and not vertex.inputs
        if fetching and self._outcomes.get(vertex.digest) is Outcome.HIT:
            return Outcome.HIT
        self._outcomes[vertex.digest] = outcome
        return outcome

    @staticmethod
    def _same(before: Vertex | None, now: Vertex) -> bool:
        return before is not None and (
            (before.completed, before.cached, before.error)
            == (now.completed, now.cached, now.error)
        )

    @staticmethod
    def _outcome(vertex: Vertex) -> Outcome:
        if vertex.error:
            canceled = vertex.error.endswith(_CANCELED)
            return Outcome.SKIPPED if canceled else Outcome.FAILED
        return Outcome.HIT if vertex.cached else Outcome.MISS

    def _is_from(self, step: int) -> bool:
        return self._dockerfile.instructions[step].keyword == "FROM"
