"""One thing said about an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# error: what it names does not run; warning: it limits; note: worth knowing
Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``rule`` names the kind (``missing-version``), ``place`` a path in the image or a file."""

    rule: str
    level: Level
    place: str
    message: str
    remedy: str | None = None
    line: int | None = None
