"""Runs and builds for tests: one of each that is plain, and what differs by name."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.model.record import Build, Cache, EngineFacts, HostFacts, Image, Run, ScenarioText, Step

HOST = HostFacts(
    kernel="6.1.0",
    glibc="2.36",
    cpu_model="Model 1",
    cpus=2,
    memory_bytes=8_000_000_000,
    cgroup="v2",
    filesystem="ext4",
)
ENGINE = EngineFacts(
    name="docker",
    version="26.1",
    api="1.45",
    endpoint="unix:///x",
    private=True,
    storage="overlay2",
    builder="buildkit",
    host=HOST,
)
RUN = Run(
    id="20261123-101502-tried",
    status="complete",
    scenario=ScenarioText(name="tried", path=None, sha256="0" * 64, text="name: tried\n"),
    host=HOST,
    engines=(ENGINE,),
    seed=1,
    started="2026-11-23T10:15:02.000+00:00",
)


def run(name: str = RUN.id, /, **differing: Any) -> Run:
    """A run of one engine that ended well."""
    return replace(RUN, id=name, **differing)


def build(
    number: int = 1,
    wall: float | None = 1.0,
    *,
    phase: str = "cold",
    cell: Mapping[str, str] | None = None,
    **differing: Any,
) -> Build:
    """A build that went well, in the round of that number."""
    cell = cell or {"engine": "docker"}
    plain = Build(
        id=f"{number:04}-{'-'.join(cell.values())}-{phase}",
        cell=dict(cell),
        round=number,
        phase=phase,
        status="ok",
        wall_s=wall,
        image=Image(id="sha256:1", size_bytes=1000, layers=1),
        cache=Cache(hits=1, misses=1, skipped=0),
        steps=(step(1, "RUN make", stage="0", duration_s=wall and wall / 2),),
    )
    return replace(plain, **differing)


def step(index: int, text: str, **differing: Any) -> Step:
    """A step of which no more is known."""
    return replace(Step(index=index, stage="app", instruction=text, outcome=None), **differing)


def noisy(middle: float, count: int = 10, seed: int = 1) -> list[float]:
    """Measured values within 3 % of the middle."""
    draw = random.Random(seed)
    return [middle * draw.uniform(0.97, 1.03) for _ in range(count)]


def quiet(_: str) -> None:
    """For what tells its progress."""
