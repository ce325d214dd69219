"""One call of Docker's build API: its query, its body, its answer. Knows HTTP, not the SDK."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any, BinaryIO, Protocol

from lab.engines.json_stream import StreamError, decoded, messages
from lab.engines.protocol import BuildRequest
from lab.model import events
from lab.model.events import Event

_BLOCK = 256 * 1024


class Decoder(Protocol):
    """What buildkit.Decoder and classic.Decoder have in common."""

    def feed(self, at: float, message: Mapping[str, Any]) -> Iterator[Event]:
        """What one message tells."""

    def close(self, at: float) -> Iterator[Event]:
        """The events that only the end of the stream brings."""


class Body:
    """A request's body in blocks of its own size, which notes when the last one was handed over.

    Iterated rather than read: the HTTP client would read it in pieces of 16 KiB.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.sent: float | None = None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(_BLOCK):
            yield block
        self.sent = perf_counter()


def parameters(
    request: BuildRequest, *, version: int, build_id: str, no_cache: bool, host_network: bool
) -> dict[str, str]:
    """The query of POST /build.

    ``host_network``: steps use the daemon's network namespace as it is. A private daemon has one
    of its own, and a bridge in it would only add 0.1 s, and its jitter, to every RUN.
    """
    found = {
        "version": str(version),
        "t": request.tag,
        "dockerfile": request.dockerfile_path,
        "rm": "1",
        "forcerm": "1",
        "buildid": build_id,
    }
    if request.build_args:
        found["buildargs"] = json.dumps(dict(request.build_args))
    if request.labels:
        found["labels"] = json.dumps(dict(request.labels))
    if request.target is not None:
        found["target"] = request.target
    if no_cache:
        found["nocache"] = "1"
    if host_network:
        found["networkmode"] = "host"
    return found


def headers(request: BuildRequest) -> dict[str, str]:
    """The headers of POST /build. A daemon before 25 passes a traceparent over."""
    found = {"Content-Type": "application/x-tar"}
    if request.traceparent is not None:
        found["traceparent"] = request.traceparent
    return found


def read(chunks: Iterable[bytes], decoder: Decoder, start: float) -> Iterator[Event]:
    """The answer's events, each message as it was sent before what it means.

    An answer that ends with neither an image nor an error was broken off: Lost.
    """
    ended = False
    try:
        for data in messages(chunks):
            at = perf_counter() - start
            message = decoded(data)
            yield events.Raw(at, data)
            for event in decoder.feed(at, message):
                ended = ended or isinstance(event, events.ImageBuilt | events.BuildError)
                yield event
    except StreamError as error:
        yield events.Lost(perf_counter() - start, f"the engine's answer cannot be read: {error}")
        return
    at = perf_counter() - start
    yield from decoder.close(at)
    if not ended:
        text = "the engine's answer ended with neither an image nor an error"
        yield events.Lost(at, text)


def reason(response: Any) -> str:
    """Why the daemon refused: the message of its answer, or the answer as it is."""
    text = str(response.text)
    with suppress(ValueError, AttributeError, RecursionError):
        return str(json.loads(text).get("message") or text)
    return text
