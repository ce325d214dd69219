"""Status messages of BuildKit, read from a file, turned into a recorded build.

The same messages come as JSON lines (`docker buildx build --progress rawjson`, source: buildkit,
client/graph.go SolveStatus) and, each behind its length, in a build record.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.engines import protobuf
from lab.engines.buildkit import Decoder, Known
from lab.engines.protobuf import Status, Vertex, VertexLog
from lab.engines.recorded import outline
from lab.engines.recorded.types import NotRead, Recorded
from lab.model import events
from lab.model.events import Event

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(Z|[+-]\d\d:?\d\d)")
_IMAGE = re.compile(
    r"(?:writing image|exporting manifest list|exporting manifest) (sha256:[0-9a-f]{64})"
)
_CODE = re.compile(r"exit code: (\d{1,6})\b")
_FEWEST_S, _MOST_S = 0.0, 4e9  # times of day from 1970 to 2096


@dataclass(slots=True)
class Messages:
    """A build's messages, and what a reader learned beside them. ``error`` failed the build.

    ``judged``: that there is none says that it did not fail; else the vertices have to tell.
    """

    statuses: list[Status] = field(default_factory=list)
    error: str | None = None
    judged: bool = False
    image: str | None = None

    def failure(self) -> str | None:
        """Why the build failed. A cache that cannot be had fails none."""
        if self.error is not None or self.judged:
            return self.error
        last = {one.digest: one for s in self.statuses for one in s.vertices}
        found = [
            one.error
            for one in last.values()
            if one.error
            and not one.error.endswith("context canceled")
            and not one.name.startswith("importing cache")
        ]
        return found[-1] if found else None

    def vertices(self) -> list[Vertex]:
        """Each vertex once: with its inputs, where a message has them."""
        known: dict[str, Vertex] = {}
        for status in self.statuses:
            for one in status.vertices:
                before = known.get(one.digest)
                if before is None or (one.inputs and not before.inputs):
                    known[one.digest] = one
        return list(known.values())

    def span(self) -> tuple[float, float] | None:
        """From when to when any vertex was at work; None where no message has a time."""
        begun = [one.started for s in self.statuses for one in s.vertices if one.started]
        ended = [one.completed for s in self.statuses for one in s.vertices if one.completed]
        return (min(begun), max(begun + ended)) if begun else None

    def torn(self) -> bool:
        """Whether something was still at work when the messages ended."""
        last = {one.digest: one for s in self.statuses for one in s.vertices}
        return any(one.started is not None and one.completed is None for one in last.values())


def parsed(data: bytes, place: str) -> Status:
    """One message out of a build record. Raises NotRead."""
    try:
        return protobuf.status(data)
    except ValueError as error:
        raise NotRead(f"not a status message of BuildKit: {error}", place) from error


def from_json(line: bytes, place: str) -> Status | None:
    """One line of rawjson; None for a line that is none. Raises NotRead on one of odd types."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not record.keys() & {"vertexes", "statuses", "logs"}:
        return None
    try:
        return Status(
            vertices=tuple(_vertex(one) for one in record.get("vertexes") or ()),
            logs=tuple(_log(one) for one in record.get("logs") or ()),
            warnings=tuple(_short(one) for one in record.get("warnings") or ()),
            named=tuple(_text(one, "id") for one in record.get("statuses") or ()),
        )
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise NotRead(f"not a status of BuildKit: {error}", place) from error


def recorded(
    messages: Messages,
    *,
    key: str,
    given: Dockerfile | None,
    target: str | None = None,
    span: tuple[float, float] | None = None,
    format: str,  # noqa: A002 (the field's name)
) -> Recorded:
    """The build that the messages tell of. ``given`` is what was built, where that is known.

    Raises NotRead where the messages neither name a step nor why there is none.
    """
    vertices = messages.vertices()
    if not messages.judged and messages.failure() is None and not outline.steps(vertices):
        raise NotRead("no step of a Dockerfile is named in it")
    chained, steps = True, None
    if given is None or len(outline.platforms(vertices)) > 1:
        given, places, chained = outline.of_vertices(vertices)
        steps = partial(outline.NamedVertices, places)
    whole = steps is None
    worked = messages.span() or span
    start = (span or worked or (0.0, 0.0))[0]
    return Recorded(
        key=key,
        engine="docker",
        dockerfile=given,
        told=partial(_told, messages, given, target if whole else None, steps, start),
        whole=whole,
        chained=chained,
        target=target if whole else None,
        started=start if worked else None,
        timing="clock" if worked else "none",
        wall_s=None if span is None else max(0.0, span[1] - span[0]),
        image=messages.image or image_of(messages.statuses),
        format=format,
    )


def _told(
    messages: Messages,
    dockerfile: Dockerfile,
    target: str | None,
    steps: Any,
    start: float,
) -> Iterator[Event]:
    vertices: Known | None = None if steps is None else steps()
    decoder = Decoder(dockerfile, target, vertices)
    at = 0.0
    # Live streams announce all vertices before the first starts; a plain log names each when it is
    # first at work.
    announced = (
        Vertex(digest=one.digest, inputs=one.inputs, name=one.name) for one in messages.vertices()
    )
    yield from decoder.status(at, Status(vertices=tuple(announced)))
    for status in messages.statuses:
        clocks = [t for v in status.vertices for t in (v.started, v.completed) if t is not None]
        at = max(at, max(clocks, default=start) - start)
        yield from decoder.status(at, status)
    failure = messages.failure()
    if failure is not None:
        code = _CODE.search(failure)
        yield events.BuildError(at, failure, int(code[1]) if code else None)
    elif messages.torn():
        yield events.Lost(at, "the file ends before the build does")
    else:
        yield from decoder.close(at)
        yield events.ImageBuilt(at, messages.image or image_of(messages.statuses) or "")
    yield events.Finished(at)


def image_of(statuses: Sequence[Status]) -> str | None:
    """The digest of what was exported: the list of an image's platforms before one of them."""
    found = [match for s in statuses for name in s.named if (match := _IMAGE.match(name))]
    lists = [match for match in found if "list" in match[0]]
    return (lists or found)[-1][1] if found else None


def seconds(text: object) -> float | None:
    """A time of day as Go writes it (RFC 3339, to the nanosecond); None for none, or a zero time.

    Also as encoding/json writes a protobuf timestamp: {"seconds": .., "nanos": ..}. Raises
    ValueError on anything else.
    """
    if text is None:
        return None
    if isinstance(text, Mapping):
        whole, nanos = text.get("seconds", 0), text.get("nanos", 0)
        if not isinstance(whole, int) or not isinstance(nanos, int):
            raise ValueError(f"{text!r} is no time")  # noqa: TRY004 (bytes that do not parse)
        return _possible(float(whole) + nanos / 1e9)
    match = _TIME.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{str(text)[:60]!r} is no time")
    zone = match[3].replace("Z", "+00:00")
    at = datetime.fromisoformat(f"{match[1]}{zone}").astimezone(UTC).timestamp()
    return _possible(at + float(match[2] or 0))


def _possible(at: float) -> float | None:
    return at if _FEWEST_S < at < _MOST_S else None


def _vertex(one: Mapping[str, Any]) -> Vertex:
    return Vertex(
        digest=_text(one, "digest"),
        inputs=tuple(str(name) for name in one.get("inputs") or ()),
        name=_text(one, "name"),
        cached=one.get("cached") is True,
        started=seconds(one.get("started")),
        completed=seconds(one.get("completed")),
        error=_text(one, "error"),
    )


def _log(one: Mapping[str, Any]) -> VertexLog:
    try:
        data = b64decode(_text(one, "data"))
    except binascii.Error as error:
        raise ValueError(f"a log is not base64: {error}") from error
    return VertexLog(vertex=_text(one, "vertex"), data=data)


def _short(one: Mapping[str, Any]) -> str:
    return b64decode(_text(one, "short")).decode("utf-8", "replace")


def _text(one: Mapping[str, Any], name: str) -> str:
    value = one.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value
