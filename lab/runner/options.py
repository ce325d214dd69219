"""What a command line adds to a scenario, and how a run says what it is doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Collector:
    """Where traces, metrics and logs go: the address of each of these that is sent, None where the
    OTEL_ variables say it. ``traceparent`` is the span that the run stands below, such as a CI
    job's.
    """

    endpoints: Mapping[str, str | None]
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line adds to a scenario. ``endpoints``: engine -> address; ``name``: what
    the run is called; ``made_by``: the command that needs it for an answer of its own;
    ``collector``: where the run's trace goes, of which engines are told with each build."""

    results: Path
    endpoints: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    keep: bool = False
    budget: float | None = None
    baseline: str | None = None
    name: str | None = None
    made_by: str | None = None
    collector: Collector | None = None
