"""One thing said about an image, or about a line of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# error: what it names does not run; warning: it limits; note: worth knowing
Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``rule`` names the kind (``missing-version``), ``place`` a path in the image or a file.

    ``line`` and ``end_line`` count from 1; ``patch`` is a unified diff that mends it.
    """

    rule: str
    level: Level
    place: str
    message: str
    remedy: str | None = None
    line: int | None = None
    end_line: int | None = None
    patch: str = ""


def at_least(level: Level, found: Finding) -> bool:
    """Whether a finding is of this level, or worse."""
    return LEVELS.index(found.level) <= LEVELS.index(level)
