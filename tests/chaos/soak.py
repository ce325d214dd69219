"""Thousands of builds in one process: descriptors, memory, threads and children stay flat.

    python -m tests.chaos.soak --count 2000 simulated
    python -m tests.chaos.soak --count 200 docker

Runs of 40 builds, one after another, each a run as `lab run` makes it, reports and all; on a
private engine that stays. After the first tenth, which fills caches, a figure may grow by a tenth
of what it is then, memory by 30 MB. Prints a line every tenth; exits with 1 where anything grew.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from lab.engines.private import start_docker, start_podman
from lab.report import formats
from lab.runner import session
from lab.runner.options import Options
from lab.scenario import loader
from lab.scenario.model import Scenario
from tests.factories import quiet

BUILDS = 40
SLACK = {"memory_kb": 30_000, "descriptors": 2, "threads": 1, "children": 0}


class Unseen:
    """A watcher that looks at nothing."""

    def begin(self, *_: object) -> None:
        """Nothing."""

    see = open = begin


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    memory_kb: int
    descriptors: int
    threads: int
    children: int

    @classmethod
    def now(cls) -> Held:
        """As the kernel counts it."""
        gc.collect()
        status = Path("/proc/self/status").read_text().splitlines()
        said = dict(line.split(":", 1) for line in status)
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return cls(
            memory_kb=int(said["VmRSS"].split()[0]),
            descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - as many as there are
            threads=threading.active_count(),
            children=len(children),
        )


def grown(first: Held, last: Held) -> list[str]:
    """What is held more of than may be."""
    found = []
    for one in fields(Held):
        before, after = getattr(first, one.name), getattr(last, one.name)
        if after > before + max(SLACK[one.name], before // 10):
            found.append(f"{one.name}: {before}, then {after}")
    return found


def scenario(folder: Path, engine: str) -> Scenario:
    """Two phases in two cells, ten rounds: 40 builds."""
    own = folder / "own"
    own.mkdir()
    (own / "a").write_text("a\n")
    (own / "Dockerfile").write_text("FROM scratch\nARG AXIS\nCOPY a /a\nCOPY a /b\nLABEL x=$AXIS\n")
    said = {
        "name": "soak",
        "engines": [engine],
        "workload": {"context": str(own), "dockerfile": "Dockerfile"},
        "axes": {"AXIS": ["a", "b"]},
        "phases": ["cold", "rebuild"],
        "rounds": 10,
    }
    path = folder / "soak.yaml"
    path.write_text(json.dumps(said))
    return loader.load(path)


def soak(engine: str, count: int) -> list[str]:
    """Build; what grew."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-s-")))
        read, endpoints = scenario(folder, engine), {}
        if engine != "simulated":
            starter = start_podman if engine == "podman" else start_docker
            endpoints = {engine: stack.enter_context(starter(quiet)).endpoint}
        runs = max(2, count // BUILDS)
        first = None
        for number in range(1, runs + 1):
            options = Options(results=folder / f"r{number}", endpoints=endpoints)
            stored = session.run(read, options, say=quiet, watcher=Unseen())
            assert len(stored.builds) == BUILDS, len(stored.builds)
            assert {build.status for build in stored.builds} == {"ok"}
            formats.write_defaults(stored)
            if number % max(1, runs // 10) == 0:
                held = Held.now()
                first = first or held
                print(f"{number * BUILDS} builds: {held}", flush=True)
    assert first is not None
    return grown(first, held)


def main() -> int:
    """Soak one engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=("simulated", "docker", "docker-classic", "podman"))
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    found = soak(options.engine, options.count)
    for line in found:
        print(f"grown: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
