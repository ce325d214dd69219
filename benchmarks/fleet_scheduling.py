"""How many builds a second home schedules, and what a million planned ones take there.

Home and scheduler are the real ones. Workers share one process and are real up to their builds:
each waits 0.1 s in place of one, and says what a builder said of a build on the simulated engine.
Run: ``python -m benchmarks.fleet_scheduling [WORKERS [BUILDS]]``, ``... --plan BUILDS`` (figures:
benchmarks/fleet.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from lab.runner.fleet import facts, nodes, placement
from lab.runner.fleet.bench import Bench
from lab.runner.fleet.builder import Builder
from lab.runner.fleet.security import place
from lab.scenario import loader, placeholder_images, plan
from tests.fleets import LAB, ROOT, Fleet

BUILD = 0.1  # seconds
LABEL = "simulated-bookworm-default-"  # of every build, before the values of its axes


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] == ["--plan"]:
        planned(int(sys.argv[2]))
        return
    if sys.argv[1:2] == ["--workers"]:
        asyncio.run(work(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
        return
    workers, builds = (int(one) for one in [*sys.argv[1:3], "200", "20000"][:2])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with Fleet.open(folder, []) as fleet:
            own = [sys.executable, "-m", "benchmarks.fleet_scheduling", "--workers"]
            of_workers = subprocess.Popen([*own, str(workers), fleet.address, made], cwd=ROOT)
            try:
                while len(list(folder.glob("there-*"))) < workers:
                    time.sleep(0.2)
                sys.stdout.flush()
                print("| workers | builds | builds/s | home: CPU, ms a build | home: MB |")
                print("| --- | --- | --- | --- | --- |")
                taken, cpu, memory = run(folder, fleet, workers, builds)
                print(
                    f"| {workers} | {builds} | {builds / taken:.0f} | {cpu / builds * 1000:.2f} | "
                    f"{memory:.0f} |"
                )
            finally:
                of_workers.terminate()
                of_workers.wait()


def planned(builds: int) -> None:
    """Plan and place one build a trial, for 200 cells and as many workers."""
    with tempfile.TemporaryDirectory() as made:
        asked = loader.load(Path(made) / scenario(Path(made), 200, builds // 400))
    begun = time.process_time()
    trials = plan.trials(
        asked, lambda cell: placeholder_images.images(asked, cell.axes), plan.project(asked)
    )
    stated = facts.here("one", {"simulated": None}, [], 1)
    placed = placement.place(asked, [{**stated, "name": str(one)} for one in range(200)])
    placed.fill([one for one in trials if not one.done(())])
    taken = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("| planned builds | CPU s | MB |\n| --- | --- | --- |")
    print(f"| {len(trials):,} | {taken:.1f} | {memory:.0f} |")


def scenario(folder: Path, cells: int, rounds: int) -> str:
    """Cells along an axis of its own, one phase."""
    asked = {
        "name": "scheduled",
        "engines": ["simulated"],
        "bases": ["bookworm"],
        "axes": {"A": ["x", "y"], "B": [str(one) for one in range(cells)]},
        "baseline": "x",  # what is compared shares a host
        "workload": {"packages": 3},
        "phases": ["cold"],
        "rounds": rounds,
    }
    (folder / "scheduled.yaml").write_text(json.dumps(asked))
    return "scheduled.yaml"


def run(folder: Path, fleet: Fleet, cells: int, builds: int) -> tuple[float, float, float]:
    """Seconds from the first build to the run's end; home's CPU seconds and memory in MB."""
    name = scenario(folder, cells, builds // cells // 2)
    known = set(folder.glob("results/*"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*LAB, "run", name, *fleet.words, "--quiet", "--json"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (made,) = set(folder.glob("results/*")) - known
    head = json.loads((made / "run.json").read_text())
    lines = (made / "builds.jsonl").read_text().splitlines()
    assert len(lines) == builds == len({json.loads(line)["id"] for line in lines})
    taken = datetime.fromisoformat(head["finished"]) - datetime.fromisoformat(head["ready"])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken.total_seconds(), cpu, after.ru_maxrss / 1024


class Waiting(Bench):
    """A bench whose builds are waits: what is said of each, a builder said of the first."""

    said: ClassVar[list[str]] = []

    async def _slot(self, _: int) -> None:
        while True:
            trial = await self._queue.get()
            started, record = self._of(trial)
            self._keep(started)
            await asyncio.sleep(BUILD)
            self._keep(record)
            self._keep("E" + json.dumps({"place": trial["place"]}))

    def _of(self, trial: dict[str, Any]) -> tuple[str, str]:
        if not self.said:
            out = StringIO()
            opening = {"session": self._session, "blobs": self.folder, "endpoints": {}, "pace": 0}
            Builder.of(opening, out).trial(trial)
            self.said += out.getvalue().splitlines()[:2]
        first, record = (json.loads(line[1:]) for line in self.said)
        own = "-".join(trial["axes"][one] for one in "AB")
        name = f"{1 + trial['place']:04}-{LABEL}{own}-r{trial['round']}-cold"
        changed = {"cell": trial["axes"], "round": trial["round"]}
        build = {**record["build"], **changed, "id": name, "attempt": trial["attempt"]}
        return (
            "S" + json.dumps({**first, "id": name}),
            "B" + json.dumps({**record, "build": build}),
        )


async def work(count: int, address: str, folder: Path) -> None:
    """Workers, until they are ended."""
    where = place(address, folder / "keys/worker")
    stated = facts.here("one", {"simulated": None}, [], 1)
    await asyncio.gather(
        *(
            nodes.work(
                where,
                Waiting(folder / f"bench-{one}", slots=1, endpoints={}, pace=0),
                {**stated, "name": f"worker-{one}"},
                host=None,
                ready=lambda _, one=one: (folder / f"there-{one}").touch(),
                say=print,
            )
            for one in range(count)
        )
    )


if __name__ == "__main__":
    main()
