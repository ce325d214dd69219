"""`lab compare` over many recorded builds: its time and the most memory that it holds.

The records are made by a seed: two runs of half the builds each, six phases, eight steps a build,
lines of the size that real engines give. Each command runs in a process of its own; the peak is
its maximum resident set as the kernel counts it. The limit: 3 s and 500 MB for 100,000 builds, and
linear growth to 1,000,000.
Run: ``python -m benchmarks.compare_speed [BUILDS ...]`` (default: 10000 100000 1000000).
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from lab.model.events import Outcome
from lab.model.record import Build, Cache, EngineFacts, HostFacts, Image, Run, ScenarioText, Step

PHASES = ("cold", "rebuild", "edit:source", "edit:comment", "edit:dependency", "edit:goroot")
ENGINES = ("docker", "podman")
STEPS = (
    "COPY go.mod go.sum ./",
    "RUN go mod download -x",
    "COPY . .",
    "RUN go vet ./...",
    "RUN CGO_ENABLED=0 go build -trimpath -o /out/app ./cmd/app",
    "RUN go test -count=1 ./...",
    "COPY --from=build /out/app /usr/local/bin/app",
    "RUN ldconfig",
)
HOST = HostFacts(kernel="6.1.0", cpu_model="Model", cpus=2, memory_bytes=8 * 10**9, cgroup="v2")
SEED = 20261123


def main(sizes: Sequence[int]) -> None:
    """Print the table."""
    print("| command | builds | bytes of records | seconds | peak MB |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            results = Path(folder) / str(size)
            names = [record(results, name, size // 2) for name in ("one", "two")]
            stored = sum(path.stat().st_size for path in results.glob("*/builds.jsonl"))
            for words in (
                ["compare", *names],
                ["compare", *names, "--rows", "phase", "--cols", "engine", "--baseline", "docker"],
                ["compare", *names, "--rows", "phase,step", "--cols", "engine"],
            ):
                taken, peak = measured([*words, "--results", str(results)])
                said = " ".join("RUN" if word in names else word for word in words)
                print(f"| {said} | {size} | {stored} | {taken:.2f} | {peak / 1e6:.0f} |")


def measured(words: Sequence[str]) -> tuple[float, int]:
    """Seconds and peak bytes of a command of the lab in a process of its own."""
    start = perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", "from lab.cli.main import main; main()", *words],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    taken = perf_counter() - start
    assert os.waitstatus_to_exitcode(status) == 0, words
    return taken, usage.ru_maxrss * 1024


def record(results: Path, name: str, count: int) -> str:
    """Write a run of so many builds, and give its id."""
    rng = random.Random(f"{SEED} {name}")
    folder = results / f"20261123-100000-{name}"
    folder.mkdir(parents=True)
    text = "name: speed\n"
    engine = EngineFacts(
        name="docker",
        version="26.1",
        api="1.45",
        endpoint="unix:///x",
        private=True,
        storage="overlay2",
        builder="buildkit",
        host=HOST,
    )
    head = Run(
        id=folder.name,
        status="complete",
        scenario=ScenarioText(name="speed", path=None, sha256="0" * 64, text=text),
        host=HOST,
        engines=tuple(replace(engine, name=one) for one in ENGINES),
        seed=SEED,
        started="2026-11-23T10:00:00.000+00:00",
    )
    (folder / "run.json").write_text(json.dumps(head.to_json()))
    with (folder / "builds.jsonl").open("w") as file:
        file.writelines(json.dumps(one.to_json()) + "\n" for one in builds(rng, count))
    return folder.name


def builds(rng: random.Random, count: int) -> Iterator[Build]:
    """Builds of cells x phases, round by round."""
    per_round = len(ENGINES) * len(PHASES)
    for number in range(count):
        engine = ENGINES[number // len(PHASES) % len(ENGINES)]
        phase, round_ = PHASES[number % len(PHASES)], number // per_round + 1
        steps = tuple(
            Step(
                index=index,
                stage="build",
                instruction=text,
                outcome=Outcome.MISS if phase == "cold" or index > 4 else Outcome.HIT,
                started_s=round(index * 0.3, 6),
                duration_s=round(rng.lognormvariate(-1, 0.2), 6),
            )
            for index, text in enumerate(STEPS, 2)
        )
        total = sum(step.duration_s or 0.0 for step in steps)
        yield Build(
            id=f"{number:07}-{engine}-bookworm-default-r{round_}-{phase.replace(':', '-')}",
            cell={"engine": engine, "base": "bookworm", "toolchain": "1.22", "layout": "default"},
            round=round_,
            phase=phase,
            status="ok",
            started="2026-11-23T10:00:00.000+00:00",
            wall_s=round(total + 0.2, 6),
            critical_path_s=round(total, 6),
            steps_s=round(total, 6),
            unattributed_s=0.2,
            context_bytes=123456,
            context_sent_s=0.01,
            image=Image(id="sha256:" + "a" * 64, size_bytes=105_000_000, layers=7),
            cache=Cache(hits=3, misses=5, skipped=0),
            steps=steps,
            dockerfile="dockerfiles/0123456789abcdef.Dockerfile",
            replay="DOCKER_BUILDKIT=1 docker build -f Dockerfile - < contexts/x.tar",
            cpu_s=round(total * 0.9, 6),
            peak_memory_bytes=400_000_000,
        )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
