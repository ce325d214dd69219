"""The three messages of BuildKit's trace that the lab reads, out of their protobuf bytes.

Source of the field numbers: buildkit, api/services/control/control.proto. Fields that are not known
are passed over, so that later versions can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """A node of the build as it is now. Times are seconds on the daemon's clock."""

    digest: str = ""
    inputs: tuple[str, ...] = ()
    name: str = ""
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexLog:
    """A piece of a vertex's output."""

    vertex: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One StatusResponse. ``named`` are the parts of vertices' work that it has news of."""

    vertices: tuple[Vertex, ...] = ()
    logs: tuple[VertexLog, ...] = ()
    warnings: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def status(data: bytes) -> Status:
    """Read a StatusResponse. Raises ValueError on bytes that are none."""
    vertices, logs, warnings, named = [], [], [], []
    for number, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            vertices.append(_vertex(value))
        elif number == 2:
            named.append(_text(dict(_fields(value)).get(1)))
        elif number == 3:
            parts = dict(_fields(value))
            logs.append(VertexLog(vertex=_text(parts.get(1)), data=_bytes(parts.get(4))))
        elif number == 4:
            warnings.append(_text(dict(_fields(value)).get(3)))
    return Status(
        vertices=tuple(vertices),
        logs=tuple(logs),
        warnings=tuple(warnings),
        named=tuple(named),
    )


def _vertex(data: bytes) -> Vertex:
    inputs: list[str] = []
    found: dict[int, int | bytes] = {}
    for number, value in _fields(data):
        if number == 2:
            inputs.append(_text(value))
        else:
            found[number] = value
    return Vertex(
        digest=_text(found.get(1)),
        inputs=tuple(inputs),
        name=_text(found.get(3)),
        cached=bool(found.get(4, 0)),
        started=_time(found.get(5)),
        completed=_time(found.get(6)),
        error=_text(found.get(7)),
    )


def _time(value: int | bytes | None) -> float | None:
    if not isinstance(value, bytes):
        return None
    parts = dict(_fields(value))
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        raise ValueError("a time is no time")  # noqa: TRY004 (bytes that do not parse)
    return seconds + nanos / 1e9


def _text(value: int | bytes | None) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _bytes(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _varint(data, position)
        elif wire == _FIXED64:
            size = 8
        elif wire == _FIXED32:
            size = 4
        else:
            raise ValueError(f"unknown wire type {wire}")
        if position + size > len(data):
            raise ValueError("a field is cut off")
        yield number, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if position >= len(data):
            raise ValueError("a number is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number is too long")
