"""Builds a second of 2, 4 and 8 workers against as many times those of one.

Workers and their builders are the real ones on this machine; the simulated engine takes the time
that it invents. Counted from a worker's first build to its last one's start: builders that start
all at once on two cores are not what is asked.
Run: ``python -m benchmarks.fleet_efficiency [ROUNDS]`` (figures: benchmarks/fleet.md).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from tests.fleets import LAB, ROOT, Fleet

WORKERS = (1, 2, 4, 8)
BUILDS = {"1 s": 0.93, "0.2 s": 0.13}  # beside what the simulated engine takes for the rest


def main() -> None:
    """Print a row for each length of a build."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    heads = " | ".join(f"{count} workers: efficiency" for count in WORKERS[1:])
    print(f"| build | one worker, builds/s | {heads} |\n| --- | --- {'| --- ' * 3}|", flush=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        rates: dict[tuple[str, int], float] = {}
        names = [f"worker-{one}" for one in range(max(WORKERS))]
        for count in WORKERS:
            own = folder / str(count)
            own.mkdir()
            with Fleet.open(own, names[:count]) as fleet:
                for name, wait in BUILDS.items():
                    many = rounds * (1 if name == "1 s" else 4) // 2
                    rates[name, count] = rate(own / "desk", fleet, wait, count, many)
    for name in BUILDS:
        one = rates[name, 1]
        told = " | ".join(f"{rates[name, count] / count / one:.3f}" for count in WORKERS[1:])
        print(f"| {name} | {one:.3f} | {told} |")


def rate(folder: Path, fleet: Fleet, wait: float, count: int, rounds: int) -> float:
    """Builds a second, of all workers together: a cell each."""
    folder = folder / str(wait)
    (folder / "own").mkdir(parents=True)
    dockerfile = f"ARG BASE\nFROM $BASE\nARG A\nRUN echo $A; sleep {wait}\n"
    (folder / "own/Dockerfile").write_text(dockerfile)
    asked = {
        "name": "tried",
        "engines": ["simulated"],
        "bases": ["bookworm"],
        "axes": {"A": ["x", "y"], "B": [str(one) for one in range(count)]},
        "baseline": "x",  # what is compared shares a host
        "workload": {"context": "own", "dockerfile": "Dockerfile"},
        "phases": ["cold"],
        "rounds": rounds,
    }
    (folder / "own/Dockerfile").write_text(dockerfile.replace("ARG A", "ARG A\nARG B"))
    (folder / "tried.yaml").write_text(json.dumps(asked))
    subprocess.run(
        [*LAB, "run", "tried.yaml", *fleet.words, "--quiet"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (path,) = folder.glob("results/*/builds.jsonl")
    starts: dict[str, list[float]] = {}
    for line in path.read_text().splitlines():
        build = json.loads(line)
        at = datetime.fromisoformat(build["started"]).timestamp()
        starts.setdefault(build["host"], []).append(at)
    assert len(starts) == count, starts.keys()
    return sum((len(one) - 1) / (max(one) - min(one)) for one in starts.values())


if __name__ == "__main__":
    main()
