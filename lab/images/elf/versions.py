"""Versions such as 2.38 and 5.10.1, compared as numbers and not as text."""

from __future__ import annotations

import re

_NUMBERED = re.compile(r"(?P<family>[A-Z][A-Z0-9]*)_(?P<number>\d+(?:\.\d+)*)")


def ordered(version: str) -> tuple[int, ...]:
    """``2.9`` -> (2, 9), so that it comes before 2.10; what is no number ends it.

    ``6.1.0-44-cloud`` -> (6, 1, 0).
    """
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def released(name: str) -> tuple[str, str] | None:
    """``GLIBC_2.38`` -> (GLIBC, 2.38); None for GLIBC_PRIVATE and names without a number."""
    match = _NUMBERED.fullmatch(name)
    return (match["family"], match["number"]) if match else None
