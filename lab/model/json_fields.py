"""Values of a dataclass out of JSON: the fields that it has, each of the type that it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from types import NoneType
from typing import Any


class _Names(dict[type[Any], frozenset[str]]):
    """The names of each dataclass's fields; a dict because they are asked for of every step."""

    def __missing__(self, kind: type[Any]) -> frozenset[str]:
        self[kind] = frozenset(one.name for one in fields(kind))
        return self[kind]


_NAMES = _Names()
_PLAIN: Mapping[object, type[Any] | tuple[type[Any], ...]] = {
    "int": int, "int | None": (int, NoneType), "str": str, "str | None": (str, NoneType),
    "float": (int, float), "float | None": (int, float, NoneType), "bool | None": (bool, NoneType),
    "Mapping[str, str]": dict, "Mapping[str, str] | None": (dict, NoneType),
    "Mapping[str, float]": dict, "Mapping[str, Any]": dict,
}  # fmt: skip


def known(kind: type[Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what the dataclass does not have: fields of later minor versions."""
    names = _NAMES[kind]
    if record.keys() <= names:  # as nearly all are
        return dict(record)
    return {name: value for name, value in record.items() if name in names}


def typed(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values; TypeError where one is of another type than its field."""
    types = tuple(map(type, values.values()))
    wrong = _misfit(kind, tuple(values), types)  # type: ignore[arg-type]  # a class can be hashed
    if wrong is not None:
        raise TypeError(f"{wrong} is {values[wrong]!r}")
    return values


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
