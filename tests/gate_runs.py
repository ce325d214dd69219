"""Recorded runs for the gate's tests, written as the store lays them out."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.record import (
    Build,
    Cache,
    EngineFacts,
    HostFacts,
    Image,
    Run,
    RunStatus,
    ScenarioText,
    Step,
)

POLICY = """\
name: tried
rules:
  - {metric: wall, relative: +12%}
  - {metric: image_size, absolute: 100 B}
"""
PASS, FAIL, CANNOT_TELL, REFUSED = 0, 4, 5, 2


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


def record(
    folder: Path,
    walls: Sequence[float],
    *,
    host: HostFacts = HOST,
    engine: EngineFacts = ENGINE,
    status: RunStatus = "complete",
    scenario: str = "tried",
    size: int = 1000,
    builds: Sequence[Build] | None = None,
) -> Path:
    """A run of one cell and one phase whose rounds took ``walls``; its folder."""
    folder.mkdir(parents=True)
    head = Run(
        id=folder.name,
        status=status,
        scenario=ScenarioText(name=scenario, path=None, sha256="0" * 64, text="name: tried\n"),
        host=host,
        engines=(replace(engine, host=host),),
        seed=1,
        started="2026-11-23T10:00:00.000+00:00",
    )
    (folder / "run.json").write_text(json.dumps(head.to_json()))
    made = [build(number, wall, size=size) for number, wall in enumerate(walls, 1)]
    lines = [json.dumps(one.to_json()) + "\n" for one in (made if builds is None else builds)]
    (folder / "builds.jsonl").write_text("".join(lines))
    return folder


def build(number: int, wall: float, *, phase: str = "cold", size: int = 1000) -> Build:
    """One build that went well."""
    return Build(
        id=f"{number:04}-docker-{phase}",
        cell={"engine": "docker"},
        round=number,
        phase=phase,
        status="ok",
        wall_s=wall,
        image=Image(id="sha256:1", size_bytes=size, layers=1),
        cache=Cache(hits=1, misses=1, skipped=0),
        steps=(
            Step(index=1, stage="0", instruction="RUN make", outcome=None, duration_s=wall / 2),
        ),
    )


def noisy(middle: float, count: int = 10, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [middle * rng.uniform(0.97, 1.03) for _ in range(count)]


class Gate:
    """`lab gate` as its user meets it: its exit code, what it prints, what it says of errors."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._policy, self._capsys = folder / "policy.yaml", capsys

    def __call__(self, *words: str | Path, policy: str = POLICY) -> tuple[int, str, str]:
        self._policy.write_text(policy)
        with pytest.raises(SystemExit) as ended:
            main.main(["gate", "--policy", str(self._policy), *map(str, words)])
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err
