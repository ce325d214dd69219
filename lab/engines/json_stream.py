"""Messages out of a response: JSON objects one after another, however they are cut into chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.model import json_fields

LIMIT = 16 * 1024 * 1024
_MARK = re.compile(rb'["{}]')


class StreamError(ValueError):
    """The response is no stream of JSON objects."""


def decoded(data: bytes) -> Mapping[str, Any]:
    """One message. Raises StreamError where something on the way damaged it."""
    try:
        found: Mapping[str, Any] = json_fields.message(data)
    except (ValueError, RecursionError) as error:
        raise StreamError(f"a message is no JSON: {error}") from error
    return found


def messages(chunks: Iterable[bytes], limit: int = LIMIT) -> Iterator[bytes]:
    """Each JSON object of the stream, as sent and as soon as its last byte is there.

    Objects may follow each other with or without white space. An object that is not complete when
    the stream ends is passed over: whoever reads the stream knows by its last message whether it
    was whole. Memory stays below ``limit`` and a chunk; no byte is looked at twice.

    Raises StreamError on an object longer than ``limit`` bytes.
    """
    buffer = bytearray()
    position = depth = 0
    quoted = False
    for chunk in chunks:
        buffer += chunk
        while position < len(buffer):
            if quoted:
                quote = buffer.find(b'"', position)
                position = len(buffer) if quote < 0 else quote + 1
                quoted = quote < 0 or _escaped(buffer, quote)
                continue
            mark = _MARK.search(buffer, position)
            if mark is None:
                position = len(buffer)
                break
            position, kind = mark.end(), mark[0]
            del mark  # while a match lives, its buffer cannot be shortened
            if kind == b"{":
                if depth == 0:
                    del buffer[: position - 1]
                    position = 1
                depth += 1
            elif depth == 0:
                continue
            elif kind == b'"':
                quoted = True
            else:
                depth -= 1
                if depth == 0:
                    yield bytes(buffer[:position])
                    del buffer[:position]
                    position = 0
        if depth == 0:
            buffer.clear()
            position = 0
        elif len(buffer) > limit:
            raise StreamError(f"a message is longer than {limit} bytes")


def _escaped(buffer: bytearray, quote: int) -> bool:
    """Whether an odd number of backslashes stands before the quote."""
    start = quote
    while start and buffer[start - 1] == 0x5C:
        start -= 1
    return (quote - start) % 2 == 1
