"""Requests of HTTP/1.1 off a stream, and answers onto it: as much as an API server speaks.

RFC 9112. What could be read in two ways (two lengths, a length and chunks, a bare line feed) is
refused and the connection closed. Python's own http.server reads heads by its mail parser, which
took a third of a review's time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_LARGEST = 8 << 20  # bytes; etcd takes objects of 1.5 MB; a review holds an old and a new one


class Refused(ValueError):
    """No request that can be told: it gets 400, and nothing more is read from whoever sent it."""


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` without its query; ``last``: the client wants no answer after this one."""

    method: str
    path: str
    body: bytes
    last: bool


async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request; None where the client has said its last. Raises Refused, OSError."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise Refused("its head is too long") from error
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Refused("a head without its end") from error
        return None
    method, path, fields = _head(head)
    length = _length(fields)
    if length and fields.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(length)
    return Request(method, path, body, fields.get("connection", "").lower() == "close")


def _head(head: bytes) -> tuple[str, str, Mapping[str, str]]:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    match first.split(" "):
        case [method, target, "HTTP/1.1"]:
            path = target.partition("?")[0]
            if method not in {"GET", "POST"}:  # the answer to a HEAD must have no body
                raise Refused("POST a review, GET /readyz or /healthz")
        case _:
            raise Refused("no request of HTTP/1.1")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name.isascii() or set(name) & set(" \t\r\n") or "\n" in value:
            raise Refused("a header field that is none")
        if name in fields and name in {"content-length", "transfer-encoding", "host"}:
            raise Refused(f"{name} is there twice")
        fields[name] = value.strip(" \t")
    return method, path, fields


def _length(fields: Mapping[str, str]) -> int:
    text = fields.get("content-length", "0")
    if "transfer-encoding" in fields or not (text.isascii() and text.isdecimal()):
        raise Refused("its length has to be told by Content-Length")
    if len(text) > len(str(_LARGEST)) or int(text) > _LARGEST:
        raise Refused(f"longer than {_LARGEST} bytes")
    return int(text)


def answer(status: HTTPStatus, value: Mapping[str, Any], *, last: bool) -> bytes:
    """An answer, head and body in one piece."""
    body = json.dumps(value).encode()
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Server: lab",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] * last),
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body
