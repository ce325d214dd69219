"""Values of dataclasses as JSON has them: dataclasses.asdict without its copies, and faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

_LEAVES = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Dictionaries, lists, tuples and leaves: the leaves are the value's own."""
    kind: Any = type(value)
    if kind in _LEAVES:
        return value
    names = _names(kind)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return kind(map(plain, value))
    return value


@cache
def _names(kind: Any) -> tuple[str, ...] | None:
    known = hasattr(kind, "__dataclass_fields__")
    return tuple(one.name for one in fields(kind)) if known else None
