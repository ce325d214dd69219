"""A build told by BuildKit's own spans: OTLP JSON, a line each batch, as the OpenTelemetry
Collector's file exporter writes it (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

Seen of dockerd 28.5: a span for each vertex that was executed, named as the vertex, with its digest
as the attribute ``vertex``; ``load cache: NAME`` for the last of the vertices that a cache gave, of
those before it none; ``cache request: NAME``, which says nothing of an outcome. ``POST /build``
is the whole build. Spans have no output of steps and no inputs of vertices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.engines.protobuf import Status, Vertex
from lab.engines.recorded import buildkit
from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import NotRead, Recorded

_CACHED = "load cache: "
_ASKED = "cache request: "
_WHOLE = "POST /build"
_BEGIN = '{"resourceSpans"'
_MOST_NS = 4e18


@dataclass(slots=True)
class Trace:
    """One trace: its vertices by digest, and from when to when the request was answered."""

    facts: dict[str, str]
    vertices: dict[str, Vertex] = field(default_factory=dict)
    span: tuple[float, float] | None = None


@dataclass(slots=True)
class Traces:
    """The builds of a file's traces."""

    found: dict[str, Trace] = field(default_factory=dict)

    def take(self, line: Line, facts: dict[str, str]) -> bool:
        """Whether the line is a batch of spans. Raises NotRead on one of odd types."""
        if not line.text.replace(" ", "").startswith(_BEGIN):
            return False
        try:
            for span in _spans(json.loads(line.text)):
                trace = self.found.setdefault(str(span["traceId"]), Trace(dict(facts)))
                _add(trace, span)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise NotRead(f"not OTLP's JSON of spans: {error}", f"line {line.number}") from error
        return True

    def builds(self) -> list[tuple[str, Trace]]:
        """The traces in which something was built."""
        return [(key, one) for key, one in self.found.items() if one.vertices]


def recorded(key: str, trace: Trace, dockerfile: Dockerfile | None, target: str | None) -> Recorded:
    """The build of a trace. Raises NotRead where it names no step."""
    status = Status(vertices=tuple(trace.vertices.values()))
    made = buildkit.recorded(
        buildkit.Messages(statuses=[status]),
        key=key,
        given=dockerfile,
        target=target,
        span=trace.span,
        format="BuildKit's spans (OTLP)",
    )
    return replace(
        made, facts=trace.facts, chained=made.chained and dockerfile is not None, hits_told=False
    )


def _spans(batch: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in batch["resourceSpans"]:
        for scope in resource.get("scopeSpans") or ():
            yield from scope.get("spans") or ()


def _add(trace: Trace, span: Mapping[str, Any]) -> None:
    name = str(span["name"])
    started, ended = (_seconds(span[field_]) for field_ in ("startTimeUnixNano", "endTimeUnixNano"))
    if name.startswith(_WHOLE):
        trace.span = started, ended
        return
    digest = _vertex(span)
    if digest is None or name.startswith(_ASKED):
        return
    cached = name.startswith(_CACHED)
    if cached and digest in trace.vertices:
        return
    status = span.get("status") or {}
    failed = status.get("code") in {2, "STATUS_CODE_ERROR"}
    trace.vertices[digest] = Vertex(
        digest=digest,
        name=name.removeprefix(_CACHED),
        cached=cached,
        started=started,
        completed=ended,
        error=str(status.get("message") or "failed") if failed else "",
    )


def _vertex(span: Mapping[str, Any]) -> str | None:
    for each in span.get("attributes") or ():
        if each.get("key") == "vertex":
            return str(each["value"]["stringValue"])
    return None


def _seconds(text: object) -> float:
    """Nanoseconds since 1970, which OTLP's JSON has as a number or as its decimal digits."""
    nanoseconds = int(str(text))
    if not 0 < nanoseconds < _MOST_NS:
        raise ValueError(f"{text!r} is no time of day")
    return nanoseconds / 1e9
