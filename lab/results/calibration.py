"""A cell against itself: what this host's noise lets a comparison see. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.host.monitor.fitness import is_fit
from lab.model.record import Build
from lab.results.stats import Comparison, Noise, Summary, compare_paired, noise, summary

METRICS: Mapping[str, Callable[[Build], float | None]] = {
    "wall": lambda build: build.wall_s,
    "CPU": lambda build: build.cpu_s,
}
ROUNDS = (10, 20, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One phase of one cell by one metric. ``noise`` is None where there are too few pairs.

    ``left_out`` are builds that were measured but disturbed; ``itself`` compares the pairs'
    second builds with their first ones, which must not differ.
    """

    cell: Mapping[str, str]
    phase: str
    metric: str
    samples: Summary | None
    left_out: int
    noise: Noise | None
    itself: Comparison | None


def calibrations(
    builds: Sequence[Build], *, seed: int, with_degraded: bool = False
) -> tuple[Calibration, ...]:
    """Every cell and phase, by wall and by CPU time, in the order of the builds."""
    keys = dict.fromkeys((tuple(build.cell.items()), build.phase) for build in builds)
    found = []
    for cell, phase in keys:
        inside = [b for b in builds if tuple(b.cell.items()) == cell and b.phase == phase]
        measured = [build for build in inside if build.status == "ok"]
        counted = [build for build in measured if with_degraded or is_fit(build.fit)]
        for metric, value in METRICS.items():
            known = [(b.round, got) for b in counted if (got := value(b)) is not None]
            pairs = list(neighbours(known))
            found.append(
                Calibration(
                    cell=dict(cell),
                    phase=phase,
                    metric=metric,
                    samples=summary([got for _, got in known]),
                    left_out=len(measured) - len(counted),
                    noise=noise(pairs, rounds=ROUNDS, seed=seed),
                    itself=compare_paired(pairs, seed=seed) if pairs else None,
                )
            )
    return tuple(found)


def neighbours(samples: Sequence[tuple[int, float]]) -> Iterator[tuple[float, float]]:
    """(second, first) of rounds 1 and 2, 3 and 4, ...: nothing but a moment lies between them."""
    by_round = dict(samples)
    for number in sorted(by_round):
        if number % 2 and number + 1 in by_round:
            yield by_round[number + 1], by_round[number]
