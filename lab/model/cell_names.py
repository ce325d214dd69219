"""What a cell is called: the values of its axes, but for those that its project alone decides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

OWN = "own"
"""An axis' value where a Dockerfile of one's own decides: there was nothing to choose."""
_BUILT_IN = ("engine", "base", "toolchain", "layout")
_NAMED = ("engine", "base", "layout")  # of those, what every build's id has


def chosen(cell: Mapping[str, str]) -> dict[str, str]:
    """The axes that a scenario chooses a value of."""
    return {axis: value for axis, value in cell.items() if value != OWN}


def full(cell: Mapping[str, str]) -> str:
    """With the names of axes: ``engine=docker base=bookworm``."""
    return " ".join(f"{axis}={value}" for axis, value in chosen(cell).items())


def short(cell: Mapping[str, str]) -> str:
    """Without those of the axes that every run has: ``docker bookworm default CGO_ENABLED=0``."""
    values = chosen(cell)
    words = [values[axis] for axis in _BUILT_IN if axis in values]
    return " ".join([*words, *(f"{a}={v}" for a, v in values.items() if a not in _BUILT_IN)])


def label(axes: Mapping[str, str], varied: Collection[str]) -> str:
    """The part of a build's id that names its cell: engine, base, layout and what varies."""
    shown = [value for axis, value in chosen(axes).items() if axis in _NAMED or axis in varied]
    return plain("-".join(shown))[:100]


def plain(text: str) -> str:
    """Letters, digits, dots and hyphens only: fit for file names and image tags."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
