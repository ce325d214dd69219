"""A step's time against a clock inside the container: the line through both, and what is left.

Each RUN prints when it starts and when it ends. A step's time is then the container's own time
plus the engine's set-up, so the slope of the line is 1 and its offset is the set-up cost.
Run: ``python -m benchmarks.step_times [ENGINE...]`` (the figures of the last run:
benchmarks/README.md, of other versions: benchmarks/engines.md).
"""

from __future__ import annotations

import contextlib
import re
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines import REAL, open_engine
from lab.engines.protocol import BuildRequest, Engine
from lab.images.sources.base_images import base
from lab.images.sources.types import BaseSource
from lab.model.events import Log
from lab.runner.recorder import BuildOutcome, BuildRecorder

# Seconds, spread over 0.1 to 5 and not in their order, so that drift does not look like a slope.
SLEEPS = (
    0.1, 2.0, 0.4, 5.0, 0.2, 1.0, 3.0, 0.6, 0.15, 1.5, 0.8, 4.0, 0.3, 2.5, 0.5, 1.2, 0.25, 3.5,
    0.7, 0.9,
)  # fmt: skip
CLOCK = "date +::at-%s.%N"
WARM_UP = "date; sleep 0"
_PRINTED = re.compile(r"::at-(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Line:
    """Least squares of step seconds over container seconds."""

    count: int
    slope: float
    set_up_s: float
    median_residual_s: float
    worst_residual_s: float


def text(base_ref: str, sleeps: tuple[float, ...]) -> str:
    """One RUN for each sleep, after one that reads the programs from disk."""
    runs = [f"RUN {CLOCK}; sleep {seconds}; {CLOCK}" for seconds in sleeps]
    return "\n".join([f"FROM {base_ref}", f"RUN {WARM_UP}", *runs]) + "\n"


def container_seconds(log: bytes) -> list[float]:
    """What each RUN took by its own clock, in the order of the steps."""
    stamps = [int(a) + int(b) / 1e9 for a, b in _PRINTED.findall(log.decode())]
    return [end - start for start, end in zip(stamps[::2], stamps[1::2], strict=True)]


def fit(build: Callable[[str], tuple[BuildOutcome, bytes]], base_ref: str) -> Line:
    """Build once, and lay the line through its steps."""
    outcome, log = build(text(base_ref, SLEEPS))
    if outcome.status != "ok":
        raise RuntimeError(outcome.reason)
    own = container_seconds(log)
    steps = [s.duration_s or 0.0 for s in outcome.steps if CLOCK in s.instruction]
    slope, offset = statistics.linear_regression(own, steps)
    rest = [abs(y - slope * x - offset) for x, y in zip(own, steps, strict=True)]
    return Line(len(own), slope, offset, statistics.median(rest), max(rest))


def main() -> None:
    """Print the table for the engines that are named, else for this host's own."""
    image = base(
        BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None), say=print
    )
    print("| engine | steps | slope | set-up, ms | residual, ms: median | largest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in sys.argv[1:] or REAL:
        with contextlib.closing(open_engine(name, private=True)) as engine:
            engine.ensure(image.image)
            line = fit(partial(_build, engine), image.image.ref)
        print(
            f"| {name} | {line.count} | {line.slope:.4f} | {line.set_up_s * 1000:.0f} "
            f"| {line.median_residual_s * 1000:.1f} | {line.worst_residual_s * 1000:.1f} |",
            flush=True,
        )


def _build(engine: Engine, script: str) -> tuple[BuildOutcome, bytes]:
    parsed = parser.parse(script)
    recorder, log = BuildRecorder(parsed), b""
    files = Context.of_files({"Dockerfile": script})
    with contextlib.closing(files.archive()) as archive:
        request = BuildRequest(
            dockerfile=parsed,
            dockerfile_path="Dockerfile",
            context=archive,
            tag="localhost/lab/bench:times",
            cold=True,
        )
        for event in engine.build(request):
            recorder.add(event)
            if isinstance(event, Log):
                log += event.data
    return recorder.result(), log


if __name__ == "__main__":
    main()
