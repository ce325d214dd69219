"""What a run costs more with all telemetry on: ``python -m benchmarks.telemetry [PAIRS]``.

`lab run` of the demo's cells on a private docker@28, a process of its own each time: once with
traces, figures and log sent to a receiver on loopback, the daemon's own spans as well, and once
with none; which of a pair goes first is left to chance. The figures: of the whole process, and of
its builds alone, as the records have them.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from lab.results import runs
from lab.results.stats.samples import median_interval
from tests.collectors import collector

ENGINE, ROUNDS = "docker@28", 2
SCENARIO = Path("scenarios/layer-cache.yaml")
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of a whole process, and of its builds by cell, phase and round."""

    seconds: float
    builds: dict[Key, float]


def main() -> None:
    """Print the table of benchmarks/README.md."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ours, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.Process(target=receive, args=(theirs,))
    receiver.start()
    url = ours.recv()
    coin = random.Random(pairs)
    found: list[tuple[Run, Run]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measured(folder / "first", None)  # bases and toolchains are made
        for number in range(pairs):
            made: dict[bool, Run] = {}
            for on in sorted((True, False), key=lambda _: coin.random()):
                made[on] = measured(folder / f"{number}-{on}", url if on else None)
            found.append((made[True], made[False]))
    ours.send("end")
    spans, points, records = ours.recv()
    receiver.join()
    show(found)
    print(f"\nReceived: {spans} spans, {points} figures, {records} log records.")


def measured(results: Path, url: str | None) -> Run:
    """One run, with telemetry where there is an address."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    if url:
        environ |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
    command = [sys.executable, "-m", "lab", "run", SCENARIO, "--quiet", "--engine", ENGINE]
    command += ["--rounds", str(ROUNDS), "--results", results]
    start = perf_counter()
    done = subprocess.run(
        list(map(str, command)), env=environ, capture_output=True, text=True, check=False
    )
    seconds = perf_counter() - start
    stored = runs.load("latest", results)
    if "0 of" in done.stdout or any(build.status != "ok" for build in stored.builds):
        raise RuntimeError(done.stdout + done.stderr)
    return Run(
        seconds,
        {
            (*sorted(build.cell.items()), build.phase, build.round): build.wall_s or math.nan
            for build in stored.builds
        },
    )


def receive(answers: Connection) -> None:
    """Take what is sent until told to end; then say how much it was."""
    with collector() as seen:
        answers.send(seen.url)
        answers.recv()
        answers.send((len(seen.spans), len(seen.metrics), len(seen.logs)))


def show(found: Sequence[tuple[Run, Run]]) -> None:
    """On against off: medians of the pairs, and their intervals."""
    print("| what | pairs | off, median | on / off, median | 95 % interval | on - off a build, ms"
          " | 95 % interval |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- |")
    count = len(found[0][0].builds)
    row(f"the process, {count} builds", [(on.seconds, off.seconds) for on, off in found], count)
    phases = sorted({str(key[-2]) for key in found[0][0].builds})
    for phase in phases:
        both = [
            (on.builds[key], off.builds[key])
            for on, off in found
            for key in on.builds
            if key[-2] == phase
        ]
        row(f"builds, {phase}", both, 1)


def row(name: str, pairs: Sequence[tuple[float, float]], builds: int) -> None:
    off = statistics.median(off for _, off in pairs)
    ratios = [on / off for on, off in pairs]
    each = [(on - off) / builds * 1000 for on, off in pairs]
    cells = [f"{statistics.median(ratios):.3f}", _interval(ratios, 3)]
    cells += [f"{statistics.median(each):.1f}", _interval(each, 1)]
    print(f"| {name} | {len(pairs)} | {off:.2f} s | " + " | ".join(cells) + " |")


def _interval(values: Sequence[float], digits: int) -> str:
    found = median_interval(sorted(values))
    return "too few" if found is None else f"{found[0]:.{digits}f} to {found[1]:.{digits}f}"


if __name__ == "__main__":
    main()
