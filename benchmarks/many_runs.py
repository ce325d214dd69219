"""What it costs to look at many runs: `lab history`, a word that names a run, the list of serve,
and Prometheus' scrape of 500 branches, with how many series that makes.

    python -m benchmarks.many_runs [RUNS ...]

Each run is of one scenario on two engines in three phases, 6 builds of 8 steps, with a commit, a
branch and a name of its own; from the 280th in 300 on podman is slower by a quarter. CPU seconds of
each command as users start it, in a process of its own: first without an index, then with it. The
list of `lab serve` is made in this process; without an index it has no verdicts yet.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.model.events import Outcome
from lab.model.origin import Origin
from lab.model.record import Build, Cache, EngineFacts, HostFacts, Run, ScenarioText, Step
from lab.report import run_index, run_rows
from lab.report.metrics import scrape
from lab.results import index

HOST = HostFacts(kernel="6.1.0", cpus=4, memory_bytes=8 << 30, cgroup="v2", filesystem="ext4")
WALLS = {"docker": 8.0, "podman": 9.0}
PHASES = ("cold", "rebuild", "edit:source")
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


def made(results: Path, count: int, branches: int = 2) -> None:
    """Write so many runs, as `lab run` leaves them; all but the first branch are topics."""
    rng = random.Random(7)
    results.mkdir()
    for number in range(count):
        at = BEGAN + timedelta(hours=5 * number)
        folder = results / f"{at:%Y%m%d-%H%M%S}-layer-cache"
        folder.mkdir()
        builds = [
            _build(rng, engine, phase, engine == "podman" and number >= count * 280 // 300)
            for engine in WALLS
            for phase in PHASES
        ]
        lines = [json.dumps({**one.to_json(), "id": str(at)}) for at, one in enumerate(builds)]
        (folder / "builds.jsonl").write_text("".join(f"{line}\n" for line in lines))
        (folder / "run.json").write_text(
            json.dumps(_head(folder.name, at, number, branches).to_json())
        )


def _head(name: str, at: datetime, number: int, branches: int) -> Run:
    engines = tuple(
        EngineFacts(
            name=engine, version="1", api="1", endpoint="unix:///x", private=True,
            storage="overlay2", builder="x", host=HOST,
        )
        for engine in WALLS
    )  # fmt: skip
    text = "name: layer-cache\n" + "# a comment of some length\n" * 40
    return Run(
        id=name,
        status="complete",
        scenario=ScenarioText(name="layer-cache", path=None, sha256="0" * 64, text=text),
        host=HOST,
        engines=engines,
        seed=1,
        started=at.isoformat(timespec="milliseconds"),
        finished=at.isoformat(timespec="milliseconds"),
        builds=len(WALLS) * len(PHASES),
        axes={"engine": tuple(WALLS), "base": ("bookworm",)},
        name=f"night-{number}",
        origin=Origin(
            commit=hashlib.sha1(name.encode()).hexdigest(),  # noqa: S324 (as git does)
            branch="main" if number % 3 else f"topic-{number // 3 % (branches - 1)}",
        ),
    )


def _build(rng: random.Random, engine: str, phase: str, slow: bool) -> Build:
    wall = WALLS[engine] * (1.25 if slow else 1.0) * rng.gauss(1.0, 0.04)
    wall *= 1.0 if phase == "cold" else 0.2
    steps = tuple(
        Step(
            index=index, stage="build", instruction=f"RUN go build -o /out/{index} ./cmd/{index}",
            outcome=Outcome.MISS if phase == "cold" else Outcome.HIT, started_s=index * wall / 8,
            duration_s=wall / 8,
        )
        for index in range(8)
    )  # fmt: skip
    return Build(
        id="",
        cell={"engine": engine, "base": "bookworm"},
        round=1,
        phase=phase,
        status="ok",
        wall_s=wall,
        cpu_s=wall / 2,
        steps_s=wall,
        cache=Cache(
            hits=0 if phase == "cold" else 8, misses=8 if phase == "cold" else 0, skipped=0
        ),
        steps=steps,
        fit="fit",
    )


def cpu(results: Path, *words: str) -> float:
    """CPU seconds of the lab's command line with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "lab", *words, "--results", str(results)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def listed(results: Path) -> list[float]:
    """CPU seconds of the list: when a server begins, and of each page after it."""
    rows = run_rows.Rows(results)
    used = []
    queries: list[dict[str, list[str]]] = [{}, {}, {"q": ["night-1"], "page": ["7"]}]
    for query in queries:
        began = time.thread_time()  # verdicts are read in a thread of their own meanwhile
        run_index.index(rows, results, query)
        used.append(time.thread_time() - began)
    rows.close()
    return used


def main() -> None:
    """Print the table."""
    counts = [int(word) for word in sys.argv[1:]] or [300, 10_000]
    print("| runs | what | CPU s without an index | with it |")
    print("| --- | --- | --- | --- |")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            made(results, count)
            time.sleep(index.RECENT + 0.5)
            name = f"night-{count // 2}"
            for what in (["history"], ["report", name, "--format", "json", "--output", "-"]):
                shutil.rmtree(results / index.FOLDER, ignore_errors=True)
                said = " ".join(["lab", *what[:2]])
                first, again = (cpu(results, *what) for _ in range(2))
                print(f"| {count} | `{said}` | {first:.2f} | {again:.2f} |")
            first, *others = listed(results)
            print(f"| {count} | the list of `lab serve` | {first:.2f} | {max(others):.2f} |")
        print(scraped(count, 500))


def scraped(count: int, branches: int) -> str:
    """The row of a scrape of runs of so many branches, and of the next one."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        made(results, count, branches)
        time.sleep(index.RECENT + 0.5)
        one, used = scrape.Scrape(results), []
        for _ in range(2):
            began = time.process_time()
            lines = one.text().splitlines()
            used.append(time.process_time() - began)
    series = sum(not line.startswith("#") for line in lines)
    what = f"a scrape of {branches} branches: {series} series"
    return f"| {count} | {what} | {used[0]:.2f} | {used[1]:.2f} |"


if __name__ == "__main__":
    main()
