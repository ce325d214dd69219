"""What a record holds, held against the standard library's own walk."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lab.model.plain import plain


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    parts: tuple[Part, ...]
    by_name: dict[str, Part]
    seconds: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def test_a_value_is_walked_as_the_standard_library_does() -> None:
    part = Part("a", (1, 2))
    whole = Whole((part, Part("b")), {"a": part}, 0.5, {"list": [part, None, {"deep": True}]})
    assert plain(whole) == asdict(whole)
