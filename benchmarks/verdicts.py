"""How often verdicts err, what they see, and what they cost: a simulation study.

    python benchmarks/verdicts.py [--runs 4000] [--seed 1] [--recorded builds.jsonl ...]

Thousands of runs are drawn from noise of known kind and judged by the functions that `lab run` and
`lab compare` call. With ``--recorded`` the noise is that of recorded builds, resampled. Prints a
table in Markdown; exits 1 where a figure breaks what is promised.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.stats import boundaries, signed_rank
from lab.stats.verdicts import LOOKED

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]  # runs x rounds x (candidate, baseline), logs

FIRST, LAST, ERROR, MARGIN = 5, 30, 0.05, 0.05
EFFECTS = (0, 2, 5, 10, 20, 40)
BATCH = 200
PER_BUILD_CV = {"CPU, CV 2 %": 0.02, "wall, CV 4.5 %": 0.045, "wall, CV 15 %": 0.15}


def plain(spread: float) -> Draw:
    """Builds that vary by the log-normal law, each on its own."""
    return lambda draw, runs: draw.normal(0, spread, (runs, LAST, 2))


def heavy(spread: float) -> Draw:
    """Most builds near the median, one in ten late by a fifth to four fifths."""

    def drawn(draw: np.random.Generator, runs: int) -> Array:
        late = draw.random((runs, LAST, 2)) < 0.1
        return np.asarray(
            draw.normal(0, spread, late.shape) + late * np.log(draw.uniform(1.2, 1.8, late.shape))
        )

    return drawn


def drifting(spread: float, drift: float) -> Draw:
    """A machine whose speed wanders (AR(1), 0.95 from build to build), and a trend of 1 % a round.

    The order within a round is drawn by chance, as lab.plan does.
    """

    def drawn(draw: np.random.Generator, runs: int) -> Array:
        steps = draw.normal(0, drift * np.sqrt(1 - 0.95**2), (runs, 2 * LAST))
        speed = np.empty_like(steps)
        speed[:, 0] = draw.normal(0, drift, runs)
        for build in range(1, 2 * LAST):
            speed[:, build] = 0.95 * speed[:, build - 1] + steps[:, build]
        speed += np.arange(2 * LAST) * 0.005
        rounds = speed.reshape(runs, LAST, 2)
        turned = draw.random((runs, LAST, 1)) < 0.5
        found = np.where(turned, rounds[:, :, ::-1], rounds)
        return np.asarray(found + draw.normal(0, spread, found.shape))

    return drawn


def resampled(residues: Array) -> Draw:
    """The noise of recorded builds: each one's distance from its own cell's median."""
    return lambda draw, runs: draw.choice(residues, size=(runs, LAST, 2))


def recorded(paths: list[Path], field: str) -> Array:
    """Logarithms of builds over the median of their cell and phase; cells of 5 builds or more."""
    cells: dict[str, list[float]] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            build = json.loads(line)
            if build["status"] == "ok" and build.get(field) and not build.get("warm_up"):
                key = f"{path} {build['cell']} {build['phase']}"
                cells.setdefault(key, []).append(float(np.log(build[field])))
    known = [np.array(found) - np.median(found) for found in cells.values() if len(found) >= 5]
    return np.concatenate(known) if known else np.array([])


class Judged:
    """One noise at one effect: p-values of every round, plain and for those who look."""

    def __init__(self, draw: Draw, effect: float, runs: int, seed: int) -> None:
        generator = np.random.default_rng([seed, round(effect * 100)])
        logs = draw(generator, runs)
        self.truth = float(np.log1p(effect / 100))
        self.differences = logs[:, :, 0] - logs[:, :, 1] + self.truth
        parts = [self._tests(part) for part in np.array_split(self.differences, runs // BATCH + 1)]
        self.plain = np.concatenate(parts, axis=1)  # slower, faster, same; runs; rounds
        heights = boundaries.height(self.plain[..., FIRST - 1 :], FIRST, LAST)
        self.looked = boundaries.ever(heights, FIRST, LAST)
        claimed = self._claims(self.looked)
        decided = claimed.any(axis=0)
        self.rounds = np.where(decided.any(axis=1), decided.argmax(axis=1) + FIRST, LAST)
        self.said = claimed[:, np.arange(runs), self.rounds - FIRST].mean(axis=1)

    @staticmethod
    def _tests(part: Array) -> Array:
        limit = np.log1p(MARGIN)
        inside = (signed_rank.beginnings(sign * part, -limit) for sign in (1, -1))
        return np.stack(
            [*(signed_rank.beginnings(sign * part, 0.0) for sign in (1, -1)), np.maximum(*inside)]
        )

    @staticmethod
    def _claims(p_values: Array) -> NDArray[np.bool_]:
        return p_values <= np.array([ERROR / 2, ERROR / 2, ERROR])[:, None, None]

    def fixed(self, rounds: int) -> Array:
        """The shares of slower, faster and same after so many rounds, looked at once."""
        return np.asarray(self._claims(self.plain[..., rounds - 1 : rounds]).mean(axis=(1, 2)))

    def coverage(self, rounds: Array, error: float = ERROR) -> float:
        """How often the interval after these rounds holds the truth."""
        held, told = 0, 0
        for count in np.unique(rounds):
            out = signed_rank.refused(int(count), 1 - error)
            if out is None:
                continue
            part = self.differences[rounds == count][:, :count]
            one, other = np.triu_indices(int(count))
            walsh = np.sort((part[:, one] + part[:, other]) / 2, axis=1)
            held += int(((walsh[:, out] <= self.truth) & (self.truth <= walsh[:, -1 - out])).sum())
            told += len(part)
        return held / told


def noises(paths: list[Path]) -> Iterator[tuple[str, Draw]]:
    """Every noise that is tried."""
    for name, spread in PER_BUILD_CV.items():
        yield name, plain(spread)
    yield "wall, CV 4.5 %, 10 % late builds", heavy(0.045)
    yield "CPU, CV 2 %, drift 15 % + 1 % a round", drifting(0.02, 0.15)
    for field, name in (("cpu_s", "recorded CPU"), ("wall_s", "recorded wall")):
        residues = recorded(paths, field) if paths else np.array([])
        if len(residues) >= 20:
            spread = 1.4826 * float(np.median(np.abs(residues)))
            yield f"{name}, {len(residues)} builds, CV {spread:.1%}", resampled(residues)


def study(name: str, draw: Draw, runs: int, seed: int) -> tuple[list[str], dict[str, bool]]:
    """The rows of one noise, and what of the promises it keeps."""
    found = {effect: Judged(draw, effect, runs, seed) for effect in EFFECTS}
    rows = []
    slack = 2.6 * np.sqrt(ERROR * (1 - ERROR) / runs)  # what so many runs cannot tell from 5 %
    least = 2.6 * np.sqrt(0.05 * 0.95 / runs)
    kept = {}
    for effect, one in found.items():
        once = one.fixed(LAST)
        whole, stopped = one.coverage(np.full(runs, LAST)), one.coverage(one.rounds, ERROR * LOOKED)
        rows.append(
            f"| {name} | {effect} % | {once[0] + once[1]:.1%} | {one.said[0] + one.said[1]:.1%} | "
            f"{one.said[2]:.1%} | {whole:.1%} | {stopped:.1%} | {one.rounds.mean():.1f} |"
        )
        kept[f"{effect} %: coverage 93-97 %"] = (
            0.93 - least <= min(whole, stopped) and max(whole, stopped) <= 0.97 + least
        )
    null = found[0]
    kept["false alarms"] = bool(
        max(null.fixed(LAST)[:2].sum(), null.said[:2].sum()) <= ERROR + slack
    )
    kept["false same at 5 %"] = bool(found[5].said[2] <= ERROR + slack)
    return rows, kept


def saving(spread: float, runs: int, seed: int) -> tuple[str, float | None]:
    """Rounds against a fixed design of the same errors: as much power at 5 %, as much at 0 %."""
    found = {effect: Judged(plain(spread), effect, runs, seed) for effect in EFFECTS}
    power, same = found[5].said[0], found[0].said[2]
    mean = float(np.mean([one.rounds.mean() for one in found.values()]))
    enough = (
        count
        for count in range(6, LAST + 1)
        if found[5].fixed(count)[0] >= power and found[0].fixed(count)[2] >= same
    )
    fixed = next(enough, None)
    share = None if fixed is None else mean / fixed
    told = "more than 30" if fixed is None or share is None else f"{fixed} | {share:.2f}"
    row = f"| {spread:.1%} | {power:.1%} | {same:.1%} | {mean:.1f} | {told} |"
    return row, share


def smallest(draw: Draw, runs: int, seed: int) -> int | None:
    """The smallest slow-down, in whole per cent, that is told in nine of ten runs of 30 rounds."""
    for effect in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40):
        if Judged(draw, effect, runs, seed).said[0] >= 0.9:
            return effect
    return None


def main() -> None:
    """Print the study; exit 1 where a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recorded", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    began = time.monotonic()
    known = list(noises(options.recorded))
    print("# Verdicts: a simulation study\n")
    print(f"`python benchmarks/verdicts.py {' '.join(_shown(sys.argv[1:]))}`\n")
    print(
        "Method: signed-rank test of paired log ratios, interval by its inversion, two one-sided "
        f"tests for same within {MARGIN:.0%}; looks after each of rounds {FIRST} to {LAST} by a "
        f"Wang-Tsiatis boundary of shape {boundaries.SHAPE}. Stated error {ERROR:.0%}; "
        f"{options.runs} runs a row, seed {options.seed}.\n"
    )
    print(
        "| noise of one build | true effect | told a difference, 30 rounds | told a difference, "
        "stopping early | told the same, stopping early | coverage, 30 rounds | coverage, stopping "
        "early | rounds, stopping early |\n" + "| --- " * 8 + "|"
    )
    broken = []
    for name, draw in known:
        rows, kept = study(name, draw, options.runs, options.seed)
        print("\n".join(rows), flush=True)
        broken += [f"{name}: {what}" for what, held in kept.items() if not held]
    head = "CV of one build | power at 5 % | same at 0 % | rounds, mean over effects"
    print(
        f"\n| {head} | rounds of a fixed design of the same errors | share |\n" + "| --- " * 6 + "|"
    )
    # Below a CV of 4 % the least rounds that any verdict takes leave little to save.
    for spread in (0.02, 0.03, 0.04, 0.0425, 0.045, 0.0475):
        row, share = saving(spread, options.runs, options.seed)
        print(row, flush=True)
        if share is not None and share > 0.6 and spread >= 0.04:
            broken.append(f"CV {spread:.1%}: {share:.2f} of the fixed design's rounds")
    print("\nThe smallest slow-down told in 90 % of runs of at most 30 rounds:\n")
    for name, draw in known:
        least = smallest(draw, options.runs // 4, options.seed)
        print(f"- {name}: {'above 40 %' if least is None else f'{least} %'}", flush=True)
        if name.startswith("CPU") and (least is None or least > 5):
            broken.append(f"{name}: cannot see 5 %")
    print(f"\n{time.monotonic() - began:.0f} s. Broken: {'; '.join(broken) or 'nothing'}.")
    sys.exit(bool(broken))


def _shown(arguments: list[str]) -> list[str]:
    """The arguments without the folders of this machine."""
    return [Path(one).name if "/" in one else one for one in arguments]


if __name__ == "__main__":
    main()
