"""An image's history as Docker's and Podman's APIs tell it: the same fields, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.engines.protocol import HistoryEntry


def entries(told: Iterable[Mapping[str, Any]] | None) -> tuple[HistoryEntry, ...]:
    """The history, the oldest first."""
    found = [
        HistoryEntry(created_by=str(one.get("CreatedBy") or ""), size_bytes=one.get("Size"))
        for one in told or ()
    ]
    return tuple(reversed(found))
