"""A run with a failure and foreign text in it, as the tests of reports and pages read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.model.events import Outcome
from lab.model.record import Build, Cache, EngineFacts, HostFacts, Image, Run, ScenarioText, Step
from lab.results.runs import StoredRun

EVIL = (
    "\x1b[31m</pre><script>alert(1)</script> | `x` ``` [red]y[/] \n# h\n![i](http://e.example/)\x07"
)
WALLS = {"docker": {"cold": 10.0, "rebuild": 0.5}, "podman": {"cold": 12.0, "rebuild": 0.75}}


def run(name: str = "layer-cache") -> Run:
    return Run(
        id="20261123-101502-layer-cache",
        status="complete",
        scenario=ScenarioText(name=name, path="scenarios/layer-cache.yaml", sha256="", text=""),
        host=HostFacts(kernel="6.1.0", glibc="2.36", cpu_model="Example 9000", cpus=2),
        engines=(
            EngineFacts(
                name="docker",
                version="20.10.24",
                api="1.41",
                endpoint="unix:///run/docker.sock",
                private=True,
                storage="overlay2",
                builder="BuildKit",
            ),
        ),
        seed=7,
        started="2026-11-23T10:15:02+00:00",
        bases=(
            {"name": "bookworm", "glibc": "2.36", "go": None, "digest": "sha256:0123456789abcd"},
        ),
    )


def build(engine: str, phase: str, number: int, text: str = "RUN go build ./...") -> Build:
    wall = WALLS[engine][phase] * (1 + number / 100)
    hit = phase == "rebuild" and engine == "docker"
    steps = (
        Step(index=0, stage="app", instruction="FROM base", outcome=None),
        Step(
            index=1,
            stage="app",
            instruction=text,
            outcome=Outcome.HIT if hit else Outcome.MISS,
            started_s=0.1,
            duration_s=wall / 2,
        ),
    )
    return Build(
        id=f"{engine}-{number}-{phase}",
        cell={"engine": engine, "base": "bookworm"},
        round=number,
        phase=phase,
        status="ok",
        wall_s=wall,
        critical_path_s=wall / 2,
        steps_s=wall / 2,
        unattributed_s=wall / 2,
        image=Image(id="sha256:1", size_bytes=34_100_000, layers=3),
        cache=Cache(hits=int(hit), misses=int(not hit), skipped=0),
        steps=steps,
    )


def builds(text: str = "RUN go build ./...") -> tuple[Build, ...]:
    found = [
        build(engine, phase, number, text)
        for number in (1, 2, 3)
        for engine in WALLS
        for phase in ("cold", "rebuild")
    ]
    failed = replace(
        found[-1],
        id="failed",
        round=4,
        status="failed",
        reason=f"exit code 2: {text}",
        log_tail=f"boom\n{text}",
        replay=f"podman build {text}",
    )
    skipped = Build(
        id="s",
        cell={"engine": "podman", "base": "bookworm", "layout": text},
        round=1,
        phase="cold",
        status="skipped",
        reason=f"cannot: {text}",
    )
    return (*found, failed, skipped)


def stored(text: str = "RUN go build ./...", name: str = "layer-cache") -> StoredRun:
    head = replace(run(name), broken=(f"rebuild: {text} must hit",))
    return StoredRun(run=head, builds=builds(text), folder=Path())
