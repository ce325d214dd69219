"""What a scenario asks of the machine, and what became of each wish: values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PageCache = Literal["dropped", "warmed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What a scenario asks for; None and an empty mapping ask for nothing.

    ``frequency`` is a CPU governor, ``cpus`` a list such as ``0-1,3``; sizes are bytes, of the
    disk's limits bytes a second. ``page_cache`` says by phase (``*``: every one) what comes first.
    """

    frequency: str | None = None
    turbo: Literal["on", "off"] | None = None
    cpus: str | None = None
    disk_read: int | None = None
    disk_write: int | None = None
    memory: int | None = None
    memory_pressure: int | None = None
    page_cache: Mapping[str, PageCache] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control and what became of it. ``was`` and ``held`` are the host's own words."""

    name: str
    asked: str
    state: Literal["applied", "unavailable"]
    reason: str | None = None
    engine: str | None = None
    was: str | None = None
    held: str | None = None
