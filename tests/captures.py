"""Captured streams of real engines, and the Dockerfiles they were captured from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import parse
from lab.model.events import Event, Outcome, StepEnded

STREAMS = Path(__file__).parent / "golden" / "streams"
DOCKERS = ("docker20.10.24", "docker28.5.2", "docker28.5.2-containerdstore")
BUILT = """FROM local/debian:bookworm AS a
RUN echo a {word}; sleep 0.5; echo a-err >&2
FROM local/debian:bookworm AS b
RUN echo b {word}; sleep 0.8
FROM local/debian:bookworm
COPY --from=a /etc/hostname /ha
COPY --from=b /etc/hostname /hb
COPY foo /foo
ENV X=1
RUN echo final {word}; printf partial; sleep 0.2; echo " done"
"""
FAILED = """FROM local/debian:bookworm AS a
RUN echo fa {word}; sleep 0.3; exit 7
FROM local/debian:bookworm AS b
RUN echo fb {word}; sleep 0.8
FROM local/debian:bookworm
COPY --from=a /etc/hostname /a
COPY --from=b /etc/hostname /b
"""
NO_BASE = "FROM local/nonexistent:1\nRUN true\n"


class Decoder(Protocol):
    """What all decoders have in common."""

    def feed(self, at: float, message: dict[str, Any]) -> Iterator[Event]:
        """Take a message."""

    def close(self, at: float) -> Iterator[Event]:
        """Take the end."""


def captured(name: str) -> list[tuple[float, dict[str, Any]]]:
    """The messages of a capture and when they came."""
    lines = (STREAMS / f"{name}.jsonl").read_text().splitlines()
    return [(row["t"], row["m"]) for row in map(json.loads, lines) if "m" in row]


def worded(template: str, docker: str) -> Dockerfile:
    """A Dockerfile of the captures, with the word that made its steps fresh."""
    text = (STREAMS / f"{docker}-legacy-cold.jsonl").read_text()
    found = re.search(r"fx-[\w.-]*-\d+", text)
    assert found is not None
    return parse(template.format(word=found[0]))


def decode(decoder: Decoder, messages: list[tuple[float, dict[str, Any]]]) -> list[Event]:
    """All events of a stream."""
    found = [event for at, message in messages for event in decoder.feed(at, message)]
    return found + list(decoder.close(messages[-1][0] if messages else 0.0))


def outcomes(events: list[Event]) -> dict[int, Outcome | None]:
    """The last outcome of each step that ended."""
    return {event.step: event.outcome for event in events if isinstance(event, StepEnded)}
