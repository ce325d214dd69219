"""What a policy file may say, field by field. Only lab.results.gate.policy_loader imports this."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from lab.results.gate.policy import Degraded, Doubt, Metric, Unmeasured
from lab.scenario.field_types import Line, Name, Part, Text, Value, Words

FactName = Literal[
    "kernel",
    "glibc",
    "cpu_model",
    "cpus",
    "memory_bytes",
    "cgroup",
    "filesystem",
    "engine_version",
    "engine_api",
    "engine_builder",
    "engine_storage",
    "engine_private",
]
Relative = Annotated[
    str,
    Text(r"[+-]?[0-9]{1,6}(?:\.[0-9]{1,6})? ?%", "a change in per cent such as 8%"),
]
Amount = Annotated[
    str,
    Text(
        r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})? ?[A-Za-z%/]{0,12}",
        "a number and its unit such as 3s, 1.2GB or 0.5 points",
    ),
]
Certainty = Annotated[float, Field(ge=0.5, lt=1, allow_inf_nan=False)]


class RuleEntry(Part):
    """One thing that must not become worse: exactly one of relative, absolute and limit."""

    metric: Metric = Field(description="what is measured")
    relative: Relative | None = Field(None, description="the relative change that matters")
    absolute: Amount | None = Field(None, description="the change that matters, with its unit")
    limit: Amount | None = Field(None, description="what the candidate must keep to by itself")
    certainty: Certainty | None = Field(None, description="instead of the policy's")
    where: dict[Line, Value] = Field(default_factory=dict, description="axis: value")
    after: Words = Field("*", description="phases, with * and ? as wildcards")
    steps: Words | None = Field(None, description="of metric step: instructions, with wildcards")
    benchmarks: Words | None = Field(None, description="of metric go_benchmark: their names")
    unit: Words | None = Field(
        None, description="of metric go_benchmark: throughput (1 / time), ns/op, MB/s, B/op ..."
    )


class PolicyFile(Part):
    """A policy: what the gate lets through."""

    model_config = ConfigDict(title="lab policy")

    name: Name = Field(description="a short name")
    certainty: Certainty = Field(0.95, description="how sure pass and fail must be")
    cannot_tell: Doubt = Field("report", description="report is exit code 5, pass 0, fail 4")
    degraded: Degraded = Field(
        "leave-out", description="builds that something disturbed; use-unfit: even unfit ones"
    )
    unmeasured: Unmeasured = Field(
        "cannot-tell", description="rules of which neither side has a figure; or: leave-out"
    )
    allow_other: list[FactName] = Field(
        default_factory=list, description="facts of host and engine that may differ"
    )
    rules: list[RuleEntry] = Field(min_length=1, description="what must not become worse")
