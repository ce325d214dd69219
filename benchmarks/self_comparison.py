"""Verdicts on real engines: a cell against itself, and against slow-downs of known size.

In every round six cells are built cold, one after the other, in an order drawn by the seed and in
the next round from its end: the baseline, the baseline again, and four with a step's loop of
arithmetic that turns 3, 5, 10 and 20 % longer. A try is six rounds, the fewest of which an interval
can be had; each of its five cells is compared with the baseline of the same round. So the five
verdicts of a try share their baseline and are not independent of each other; those of different
tries share nothing.

What is true of a whole build follows from the loop's own account of its time (the shell's
``times``, the clock inside): truth = 1 + slow-down x loop / build, from the medians of all
baselines. That the loop alone takes as much longer as it turns is shown beside it.

Run: ``python -m benchmarks.self_comparison --out FILE`` (20 minutes; ``--tries 3`` for a first
look). Every build is written down as it ends; the same command goes on where it was cut off, and
``--tries 0`` shows what is there, with ``--rounds 30`` as tries of so many. The file feeds
benchmarks/verdicts.py --recorded too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.dockerfile import parser as dockerfile
from lab.dockerfile.context import Context
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest, Engine
from lab.host.monitor.fitness import is_fit
from lab.host.monitor.meter import Meter
from lab.images.sources.base_images import base
from lab.images.sources.types import BaseSource
from lab.model.events import Log, Ready
from lab.results.stats import MARGIN, Comparison, Verdict, compare_paired
from lab.runner.recorder import BuildRecorder

CLOCK = "date +::at-%s.%N"
LOOP = f'RUN {CLOCK}; n=0; while [ "$n" -lt TURNS ]; do n=$((n+1)); done; {CLOCK}; times'
_CLOCK = re.compile(rb"::at-(\d+\.\d+)")
_TIMES = re.compile(rb"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")
METRICS = {"CPU": ("cpu_s", "loop_cpu_s"), "wall": ("wall_s", "loop_wall_s")}
BASELINE, ITSELF = "baseline", "0 %"
SLOWER = {BASELINE: 0.0, ITSELF: 0.0, "3 %": 0.03, "5 %": 0.05, "10 %": 0.1, "20 %": 0.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One build: its CPU and wall seconds, those of the loop in it, and what disturbed it."""

    cpu_s: float
    wall_s: float
    loop_cpu_s: float
    loop_wall_s: float
    fit: str | None


Rounds = Mapping[int, Mapping[str, Mapping[str, Any]]]  # of rounds, of cells


def main() -> None:
    """Build what is still missing, compare, print the table."""
    options = _options()
    missing = list(_missing(options))
    if missing:
        source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
        image = base(source, say=print).image
        engine = open_engine(options.engine, private=True, say=print)
        with contextlib.closing(engine), options.out.open("a", buffering=1) as out:
            engine.ensure(image)
            build(engine, image.ref, options.turns)  # reads the programs from disk
            for number, cell in missing:
                sample = build(engine, image.ref, round(options.turns * (1 + SLOWER[cell])))
                told = {"round": number, "cell": {"loop": cell}, "phase": "cold", "status": "ok"}
                out.write(json.dumps(told | asdict(sample)) + "\n")
    show(complete(options.out), options)


def _missing(options: argparse.Namespace) -> Iterator[tuple[int, str]]:
    """What has not been built yet, round by round, in orders as plan.order has them."""
    done = recorded(options.out)
    for number in range(1, options.tries * options.rounds + 1):
        cells = list(SLOWER)
        random.Random(f"{options.seed} {number - 1 + number % 2}").shuffle(cells)
        if number % 2 == 0:
            cells.reverse()
        if number in done and len(done[number]) < len(cells):
            done[number].clear()  # cut off in the middle: its builds lie far apart
        yield from ((number, cell) for cell in cells if cell not in done.get(number, {}))


def recorded(path: Path) -> dict[int, dict[str, Mapping[str, Any]]]:
    """The builds of the file by round and cell; of a cell that was built again, the last one."""
    rounds: dict[int, dict[str, Mapping[str, Any]]] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):  # a line that a cut-off left half written
            told = json.loads(line)
            if "round" in told:  # the first line of a file that is kept says where it comes from
                rounds.setdefault(told["round"], {})[told["cell"]["loop"]] = told
    return rounds


def complete(path: Path) -> Rounds:
    """The rounds in which every cell was built."""
    return {n: cells for n, cells in recorded(path).items() if len(cells) == len(SLOWER)}


def build(engine: Engine, ref: str, turns: int) -> Sample:
    """Build the loop cold and take its figures."""
    text = f"FROM {ref}\n{LOOP.replace('TURNS', str(turns))}\n"
    parsed = dockerfile.parse(text)
    recorder, logs = BuildRecorder(parsed), b""
    context = Context.of_files({"Dockerfile": text})
    with contextlib.closing(context.archive()) as tar, Meter(engine.usage, here=True) as meter:
        request = BuildRequest(
            dockerfile=parsed,
            dockerfile_path="Dockerfile",
            context=tar,
            tag="localhost/lab/self:built",
            cold=True,
        )
        for event in engine.build(request):
            recorder.add(event)
            if isinstance(event, Ready):
                meter.begin()
            elif isinstance(event, Log):
                logs += event.data
        meter.end()
    outcome, said = recorder.result(), _TIMES.search(logs)
    assert outcome.status == "ok", outcome.reason
    assert said is not None, logs
    assert meter.cpu_s is not None
    began, ended = map(float, _CLOCK.findall(logs))
    minutes, seconds, more_minutes, more_seconds = map(float, said.groups())
    return Sample(
        cpu_s=meter.cpu_s,
        wall_s=outcome.wall_s,
        loop_cpu_s=60 * (minutes + more_minutes) + seconds + more_seconds,
        loop_wall_s=ended - began,
        fit=meter.fitness(),
    )


def middle(rounds: Rounds, cell: str, field: str) -> float:
    """The median of a figure over all builds of a cell."""
    return statistics.median(float(cells[cell][field]) for cells in rounds.values())


def truth(rounds: Rounds, slower: float, fields: tuple[str, str]) -> float:
    """The true ratio of whole builds, from every baseline that was built."""
    whole, loop = (middle(rounds, BASELINE, field) for field in fields)
    return 1 + slower * min(1.0, loop / whole)


def tries(rounds: Rounds, each: int) -> Iterator[Sequence[Mapping[str, Mapping[str, Any]]]]:
    """The rounds of each try that is complete."""
    for first in range(1, max(rounds, default=0) + 1, each):
        numbers = range(first, first + each)
        if all(number in rounds for number in numbers):
            yield [rounds[number] for number in numbers]


def compared(one: Sequence[Mapping[str, Mapping[str, Any]]], cell: str, field: str) -> Comparison:
    """The lab's own verdict on a cell of a try."""
    found = compare_paired([(cells[cell][field], cells[BASELINE][field]) for cells in one])
    assert found is not None
    return found


def show(rounds: Rounds, options: argparse.Namespace) -> None:
    """The table, as benchmarks/README.md has it."""
    samples = [sample for cells in rounds.values() for sample in cells.values()]
    fit = sum(is_fit(sample["fit"]) for sample in samples)
    print(f"{options.engine}, seed {options.seed}, rounds a try: {options.rounds}, ", end="")
    print(f"builds: {len(samples)}, of these fit: {fit}\n")
    print(
        "| metric | slow-down | true ratio | loop alone | tries | wrong | told | median interval | "
        "truth inside |\n" + "| --- " * 9 + "|"
    )
    for metric, fields in METRICS.items():
        inside, told = 0, 0
        for cell in list(SLOWER)[1:]:
            row, held, count = _row(rounds, cell, fields, options.rounds)
            print(f"| {metric} | {row}")
            if cell != ITSELF:
                inside, told = inside + held, told + count
        if told:
            print(f"| {metric} | 3 to 20 % | | | {told} | | | | {inside} ({inside / told:.1%}) |")


def _row(rounds: Rounds, cell: str, fields: tuple[str, str], each: int) -> tuple[str, int, int]:
    """A line of the table, how often the truth lay inside, and of how many tries."""
    found = [compared(one, cell, fields[0]) for one in tries(rounds, each)]
    known = [one.interval for one in found if one.interval is not None]
    if not known:
        return f"{cell} | | | 0 | | | | |", 0, 0
    true = truth(rounds, SLOWER[cell], fields)
    alone = middle(rounds, cell, fields[1]) / middle(rounds, BASELINE, fields[1])
    wrong = {Verdict.FASTER, Verdict.SLOWER if cell == ITSELF else Verdict.FASTER}
    if true > 1 + MARGIN:
        wrong.add(Verdict.SAME)
    errors = sum(one.verdict in wrong for one in found)
    told = "" if cell == ITSELF else sum(one.verdict is Verdict.SLOWER for one in found)
    inside = sum(low <= true <= high for low, high in known)
    low, high = (statistics.median(one[end] for one in known) for end in (0, 1))
    row = (
        f"{cell} | {true:.3f} | {alone:.3f} | {len(known)} | {errors} | {told} | "
        f"{low:.3f} to {high:.3f} | {inside} ({inside / len(known):.1%}) |"
    )
    return row, inside, len(known)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="docker", help="docker, docker-classic or podman")
    parser.add_argument("--tries", type=int, default=40, help="comparisons of each slow-down")
    parser.add_argument("--rounds", type=int, default=6, help="rounds of each comparison")
    parser.add_argument("--turns", type=int, default=300_000, help="of the loop: a quarter second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="file of builds, added to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
