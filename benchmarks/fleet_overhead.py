"""What a fleet adds to a build: `lab run --fleet` over one worker here against `lab run`.

Both build the same scenario in turn, which goes first changing from pair to pair. Of each run the
time from one build's start to the next one's counts, which holds all that is done between two
builds; and the whole command. Both use one engine: a private dockerd that is there before, or the
simulated engine, taking the time that it invents.
Run: ``python -m benchmarks.fleet_overhead simulated|docker [PAIRS]`` (benchmarks/fleet.md).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.engines import open_engine
from tests.fleets import LAB, ROOT, SIMULATED, Fleet

BUILDS = 8
PACED = [
    sys.executable,
    "-c",
    "from lab.engines.simulated import SimulatedEngine as E; first = E.__init__\n"
    "def paced(self): first(self); self.pace = 1.0\n"
    "E.__init__ = paced\n"
    "from lab.cli.main import main; main()",
]


def main() -> None:
    """Print a row of medians."""
    kind, pairs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        alone: Sequence[str] = [*PACED, "run", "tried.yaml"]
        words: Sequence[str] = SIMULATED
        if kind == "docker":
            engine = stack.enter_context(contextlib.closing(open_engine("docker", private=True)))
            words = ("--engine", f"docker={engine.facts().endpoint}")
            alone = [*LAB, "run", "tried.yaml", *words]
        scenario(folder, kind)
        fleet = stack.enter_context(Fleet.open(folder, ["one"], words))
        over = [*LAB, "run", "tried.yaml", *fleet.words]
        taken: dict[str, list[tuple[float, float]]] = {"alone": [], "over": []}
        for pair in range(-1, pairs):  # the first one warms up
            for name in ("alone", "over") if pair % 2 else ("over", "alone"):
                measured = run(folder, alone if name == "alone" else over)
                if pair >= 0:
                    taken[name].append(measured)
    print(
        "| engine | of | pairs | alone, ms | over a fleet, ms | ratio | more, ms: median | range |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for at, what in enumerate(("a build", f"a command of {BUILDS} builds")):
        both = [
            (one[at], other[at]) for one, other in zip(taken["alone"], taken["over"], strict=True)
        ]
        ones, others = (statistics.median(side) * 1000 for side in zip(*both, strict=True))
        ratio = statistics.median(other / one for one, other in both)
        more = [(other - one) * 1000 for one, other in both]
        print(
            f"| {kind} | {what} | {pairs} | {ones:.1f} | {others:.1f} | {ratio:.3f} | "
            f"{statistics.median(more):.1f} | {min(more):.1f} to {max(more):.1f} |"
        )


def scenario(folder: Path, kind: str) -> None:
    """A Dockerfile that waits most of its second."""
    (folder / "own").mkdir()
    (folder / "own/Dockerfile").write_text(
        "ARG BASE\nFROM $BASE\nCOPY Dockerfile /a\nRUN sleep 0.5\nRUN sleep 0.4\n"
    )
    asked = {
        "name": "tried",
        "engines": [kind],
        "bases": ["bookworm"],
        "workload": {"context": "own", "dockerfile": "Dockerfile"},
        "phases": ["cold"],
        "rounds": BUILDS,
    }
    (folder / "tried.yaml").write_text(json.dumps(asked))


def run(folder: Path, command: Sequence[str]) -> tuple[float, float]:
    """Seconds from a build's start to the next, the median; and of the command."""
    known = set(folder.glob("results/*"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--quiet"], cwd=folder, env=environment, check=True, capture_output=True
    )
    taken = time.perf_counter() - begun
    (made,) = set(folder.glob("results/*")) - known
    starts = list(_starts(made))
    return statistics.median(b - a for a, b in itertools.pairwise(starts)), taken


def _starts(made: Path) -> Iterator[float]:
    lines = (made / "builds.jsonl").read_text().splitlines()
    assert len(lines) == BUILDS
    for line in lines:
        build: dict[str, Any] = json.loads(line)
        assert build["status"] == "ok", build
        yield datetime.fromisoformat(build["started"]).timestamp()


if __name__ == "__main__":
    main()
