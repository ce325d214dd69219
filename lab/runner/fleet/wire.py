"""Values as they travel between hosts: JSON of a fixed set of kinds, never code.

A value of a kind is an object whose key "=" names it; arrays become tuples. What names another kind
is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from lab.dockerfile import edits
from lab.engines.protocol import ImageArchive
from lab.host.controls.types import Controls
from lab.host.relay import Link
from lab.images.sources.types import Base, BaseSource, ToolchainSource
from lab.model.errors import InputError
from lab.model.record import Until
from lab.scenario.model import Bound, Expectation, Generated, Own, Scenario

_KIND = "="
_KINDS: Mapping[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        Base,
        BaseSource,
        Bound,
        Controls,
        Expectation,
        Generated,
        ImageArchive,
        Link,
        Own,
        Path,
        Scenario,
        ToolchainSource,
        Until,
        edits.Append,
        edits.Builtin,
        edits.Chmod,
        edits.Delete,
        edits.Replace,
        edits.Touch,
        edits.Write,
    )
}


def pack(value: object) -> str:
    """The value as JSON text."""
    return json.dumps(_plain(value), separators=(",", ":"))


def unpack(text: str) -> Any:
    """The value of JSON text. Raises InputError where it holds what is not to travel."""
    try:
        return json.loads(text, object_hook=_object)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"a message of the fleet cannot be read: {type(error).__name__}: {error}",
            remedy="install the same version of the lab on every host",
        ) from error


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return {_KIND: "Path", "path": str(value)}
    if is_dataclass(value) and not isinstance(value, type):
        if type(value).__name__ not in _KINDS:
            raise TypeError(f"{type(value).__name__} does not travel")
        values = {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
        return {_KIND: type(value).__name__, **values}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _object(given: dict[str, Any]) -> Any:
    values = {name: _tuples(one) for name, one in given.items()}
    if _KIND not in values:
        return values
    kind = values.pop(_KIND)
    return Path(values["path"]) if kind == "Path" else _KINDS[kind](**values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
