"""A policy as the gate works with it: plain values, which policy_loader makes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Metric = Literal[
    "wall",
    "cpu",
    "step",
    "hit_rate",
    "image_size",
    "peak_memory",
    "go_benchmark",
    "coverage",
]
Kind = Literal["relative", "absolute", "limit"]
Doubt = Literal["report", "pass", "fail"]
Unmeasured = Literal["cannot-tell", "leave-out"]
Degraded = Literal["leave-out", "use", "use-unfit"]

# What a metric counts in, and whether more of it is better.
UNITS: Mapping[Metric, Literal["seconds", "bytes", "share", "plain"]] = {
    "wall": "seconds",
    "cpu": "seconds",
    "step": "seconds",
    "hit_rate": "share",
    "image_size": "bytes",
    "peak_memory": "bytes",
    "go_benchmark": "plain",
    "coverage": "share",
}
MORE_IS_BETTER = frozenset({"hit_rate", "coverage"})
FILES = frozenset({"go_benchmark", "coverage"})
# Read off, not timed: where each side's rounds agree they are facts, and one round will do.
COUNTED = frozenset({"hit_rate", "image_size", "coverage"})
COUNTED_UNITS = frozenset({"B/op", "allocs/op"})  # of Go benchmarks
# Of these everybody knows which way is worse; of a benchmark's own the policy's sign says it.
GO_UNITS = frozenset({"throughput", "ns/op", "MB/s", *COUNTED_UNITS})
# Facts of host and engine that must be alike on both sides, unless a policy lets one differ.
HOST_FACTS = ("kernel", "glibc", "cpu_model", "cpus", "memory_bytes", "cgroup", "filesystem")
ENGINE_FACTS = ("version", "api", "builder", "storage", "private")
FACTS = (*HOST_FACTS, *(f"engine_{name}" for name in ENGINE_FACTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must not become worse.

    ``amount`` is a share (relative), or in the metric's unit: seconds, bytes, a share of one, or
    the benchmark's own. ``where`` and ``after`` choose builds, ``steps`` and ``benchmarks`` are
    patterns, ``unit`` is that of a Go benchmark (``throughput`` is 1 / its time), ``falling``
    whether less is worse of a unit of the benchmark's own.
    """

    metric: Metric
    kind: Kind
    amount: float
    certainty: float
    where: Mapping[str, str] = field(default_factory=dict)
    after: str = "*"
    steps: str = "*"
    benchmarks: str = "*"
    unit: str = "throughput"
    falling: bool = False
    line: int = 1

    @property
    def more_is_better(self) -> bool:
        """Whether a fall is the bad direction."""
        if self.metric == "go_benchmark":
            return self.falling or self.unit == "throughput" or self.unit.endswith("/s")
        return self.metric in MORE_IS_BETTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a gate asks for. ``other`` are facts of host and engine that may differ.

    ``unmeasured`` is what becomes of a rule of which neither side has a figure.
    """

    name: str
    rules: tuple[Rule, ...]
    cannot_tell: Doubt = "report"
    degraded: Degraded = "leave-out"
    unmeasured: Unmeasured = "cannot-tell"
    other: frozenset[str] = frozenset()
