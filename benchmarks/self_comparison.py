"""Verdicts on real engines: a cell against itself, and against slow-downs of known size.

Each comparison is paired by rounds: in every round the two sides are built cold, side after side
in an order drawn by the seed. The slow-down is a step's loop of arithmetic that turns so much
longer. What is true of a whole build follows from the loop's own account of its time (the shell's
``times``, the clock inside): truth = 1 + slow-down x loop / build, from the medians of all builds.

Run: ``python -m benchmarks.self_comparison`` (two hours; ``--tries 3`` for a first look).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab import dockerfile
from lab.bases import base
from lab.bases.sources import BaseSource
from lab.context import Context
from lab.disturbance import is_fit
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest, Engine
from lab.events import Log, Ready
from lab.fold import Fold
from lab.stats import Comparison, Verdict, compare_paired
from lab.watch import Meter

CLOCK = "date +::at-%s.%N"
LOOP = f'RUN {CLOCK}; n=0; while [ "$n" -lt TURNS ]; do n=$((n+1)); done; {CLOCK}; times'
_CLOCK = re.compile(rb"::at-(\d+\.\d+)")
_TIMES = re.compile(rb"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")
METRICS = ("CPU", "wall")


@dataclass(frozen=True, slots=True)
class Sample:
    """One build: its CPU and wall seconds, those of the loop in it, and whether it was fit."""

    seconds: tuple[float, float]
    loop: tuple[float, float]
    fit: bool


@dataclass(slots=True)
class Try:
    """One comparison: the pairs of its rounds, (candidate, baseline)."""

    slower: float
    pairs: list[tuple[Sample, Sample]] = field(default_factory=list)


def main() -> None:
    """Build, compare, print the tables."""
    options = _options()
    source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
    image = base(source, say=print).image
    slowdowns = [0.0, *(float(text) / 100 for text in options.slow.split(","))]
    tries = [Try(slower) for slower in slowdowns for _ in range(options.tries)]
    draw = random.Random(options.seed)
    with contextlib.closing(open_engine(options.engine, private=True, say=print)) as engine:
        engine.ensure(image)
        build(engine, image.ref, options.turns)  # reads the programs from disk
        for one in _in_turn(tries, options.rounds, draw):
            turns = {True: round(options.turns * (1 + one.slower)), False: options.turns}
            order = [True, False] if draw.random() < 0.5 else [False, True]
            built = {side: build(engine, image.ref, turns[side]) for side in order}
            one.pairs.append((built[True], built[False]))
    show(tries, options)


def _in_turn(tries: Sequence[Try], rounds: int, draw: random.Random) -> Iterator[Try]:
    """A few tries at a time, so that each lasts a while, as a run does; in a drawn order."""
    mixed = list(tries)
    draw.shuffle(mixed)
    for start in range(0, len(mixed), 4):
        for _ in range(rounds):
            batch = mixed[start : start + 4]
            draw.shuffle(batch)
            yield from batch


def build(engine: Engine, ref: str, turns: int) -> Sample:
    """Build the loop cold and take its figures."""
    text = f"FROM {ref}\n{LOOP.replace('TURNS', str(turns))}\n"
    parsed = dockerfile.parse(text)
    fold, logs = Fold(parsed), b""
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
            fold.add(event)
            if isinstance(event, Ready):
                meter.begin()
            elif isinstance(event, Log):
                logs += event.data
        meter.end()
    folded, said = fold.result(), _TIMES.search(logs)
    assert folded.status == "ok", folded.reason
    assert said is not None, logs
    assert meter.cpu_s is not None
    began, ended = map(float, _CLOCK.findall(logs))
    minutes, seconds, more_minutes, more_seconds = map(float, said.groups())
    return Sample(
        seconds=(meter.cpu_s, folded.wall_s),
        loop=(60 * (minutes + more_minutes) + seconds + more_seconds, ended - began),
        fit=is_fit(meter.fit()),
    )


def truth(tries: Sequence[Try], slower: float, metric: int) -> float:
    """The true ratio of whole builds, from every baseline that was built."""
    baselines = [base for one in tries for _, base in one.pairs]
    whole = statistics.median(sample.seconds[metric] for sample in baselines)
    loop = statistics.median(sample.loop[metric] for sample in baselines)
    return 1 + slower * min(1.0, loop / whole)


def compared(one: Try, metric: int) -> Comparison | None:
    """The lab's own verdict on a try."""
    pairs = [(this.seconds[metric], other.seconds[metric]) for this, other in one.pairs]
    return compare_paired(pairs, margin=0.02)


def show(tries: Sequence[Try], options: argparse.Namespace) -> None:
    """The tables, as benchmarks/README.md has them."""
    samples = [sample for one in tries for pair in one.pairs for sample in pair]
    fit = sum(sample.fit for sample in samples)
    print(f"{options.engine}, seed {options.seed}, rounds a try: {options.rounds}, ", end="")
    print(f"builds: {len(samples)}, of these fit: {fit}\n")
    print("| metric | slow-down | true ratio | tries | wrong | told | median interval | inside |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for metric, name in enumerate(METRICS):
        for slower in dict.fromkeys(one.slower for one in tries):
            print(_row(tries, slower, metric, name))


def _row(tries: Sequence[Try], slower: float, metric: int, name: str) -> str:
    found = [compared(one, metric) for one in tries if one.slower == slower]
    known = [one for one in found if one is not None and one.interval is not None]
    true = truth(tries, slower, metric)
    wrong = {Verdict.FASTER, Verdict.SLOWER} if slower == 0 else {Verdict.FASTER}
    errors = sum(one.verdict in wrong for one in known)
    told = sum(one.verdict is Verdict.SLOWER for one in known) if slower else None
    inside = sum(1 for one in known if one.interval and one.interval[0] <= true <= one.interval[1])
    ends = [statistics.median(one.interval[end] for one in known if one.interval) for end in (0, 1)]
    return (
        f"| {name} | {slower:.0%} | {true:.3f} | {len(known)} | {errors} | "
        f"{'' if told is None else told} | {ends[0]:.3f} to {ends[1]:.3f} | "
        f"{inside / len(known):.0%} |"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="podman", help="docker, docker-classic or podman")
    parser.add_argument("--tries", type=int, default=40, help="comparisons of each slow-down")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each comparison")
    parser.add_argument("--slow", default="3,5,10,20", help="slow-downs, in per cent")
    parser.add_argument("--turns", type=int, default=1_200_000, help="of the loop: about a second")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
