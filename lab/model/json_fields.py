"""Values of a dataclass out of JSON: the fields that it has, each of the type that it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from types import NoneType
from typing import Any, TypeVar

T = TypeVar("T")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair: may stand alone in JSON, never in text


# Made once: json.loads takes twice as long, and a raw stream has millions of messages.
_JSON = json.JSONDecoder()


def message(data: bytes) -> Any:
    """JSON of another program, with nothing in its strings that is no text.

    Raises ValueError or RecursionError where it is no JSON.
    """
    found = _JSON.decode(data.decode(errors="surrogatepass"))
    if not _HALF.search(data) and b"\xed" not in data:
        return found
    return json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


class _Names(dict[type[Any], frozenset[str]]):
    """The names of each dataclass's fields; a dict because they are asked for of every step."""

    def __missing__(self, kind: type[Any]) -> frozenset[str]:
        self[kind] = frozenset(one.name for one in fields(kind))
        return self[kind]


_NAMES = _Names()
_PLAIN: Mapping[object, type[Any] | tuple[type[Any], ...]] = {
    "int": int, "int | None": (int, NoneType), "str": str, "str | None": (str, NoneType),
    "bool": bool, "float": (int, float),
    "float | None": (int, float, NoneType), "bool | None": (bool, NoneType),
    "Mapping[str, str]": dict, "Mapping[str, str] | None": (dict, NoneType),
    "Mapping[str, float]": dict, "Mapping[str, int]": dict, "Mapping[str, Any]": dict,
    "Mapping[str, tuple[str, ...]]": dict, "Mapping[str, str | None]": dict,
    "BuildStatus": str, "RunStatus": str,
    "Literal[\"wall\", \"cpu\"]": str,
}  # fmt: skip
# What is inside of a field.
_INNER: Mapping[object, Any] = {
    "Mapping[str, str]": str, "Mapping[str, str] | None": str, "tuple[str, ...]": str,
    "tuple[str, ...] | None": str, "Mapping[str, float]": (int, float), "Mapping[str, int]": int,
    "tuple[Mapping[str, Any], ...]": dict,
    "Mapping[str, str | None]": str | None, "tuple[Mapping[str, str], ...]": dict,
}  # fmt: skip


def known(kind: type[Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what the dataclass does not have: fields of later minor versions."""
    names = _NAMES[kind]
    if record.keys() <= names:  # as nearly all are
        return dict(record)
    return {name: value for name, value in record.items() if name in names}


def inside(record: Mapping[str, Any], *names: str) -> None:
    """Raises ValueError where one of these fields names a file that is not in its run's folder."""
    for name in names:
        text = str(record.get(name) or "")
        if len(text) > 255 or text[:1] == "/" or ".." in text.split("/"):
            raise ValueError(f"{name} is {text[:80]!r}, which is no file of the run's folder")


def read(kind: type[T], record: Mapping[str, Any]) -> T:
    """A dataclass of plain fields. Raises TypeError where one is missing or of another type."""
    return kind(**typed(kind, known(kind, record)))


def typed(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values; TypeError where one is of another type than its field."""
    types = tuple(map(type, values.values()))
    wrong = _misfit(kind, tuple(values), types)  # type: ignore[arg-type]  # a class can be hashed
    if wrong is not None:
        raise TypeError(f"{wrong} is {str(values[wrong])[:80]!r}")
    for name, inner in _inner(kind):  # type: ignore[arg-type]  # as above
        found = values.get(name)
        for one in found.values() if isinstance(found, dict) else found or ():
            if not isinstance(one, inner):
                raise TypeError(f"in {name} is {str(one)[:80]!r}")
    return values


@lru_cache
def _inner(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, _INNER[one.type]) for one in fields(kind) if one.type in _INNER)


@lru_cache(maxsize=1024)  # the steps of a run are of few shapes
def _misfit(kind: type[Any], names: tuple[str, ...], types: tuple[type, ...]) -> str | None:
    wanted = {one.name: _PLAIN[one.type] for one in fields(kind) if one.type in _PLAIN}
    return next(
        (
            name
            for name, found in zip(names, types, strict=True)
            if name in wanted and not issubclass(found, wanted[name])
        ),
        None,
    )
