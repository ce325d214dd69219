"""What rounds decide where nobody names any, and in what the lab ships."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from lab.model.record import Until
from lab.results.stats import Looks, Verdict, compare_paired, corrected
from lab.scenario import loader
from lab.scenario.model import Scenario

SCENARIOS = Path(__file__).parents[3] / "scenarios"
# What builds for its expectations or for other figures than times, or says itself how it is run.
ONE_ROUND = {"kernel-glibc", "reference-matrix"}
BARE = """\
name: bare
engines: [simulated]
bases: [bookworm]
workload: {packages: 1, lines: 200, depth: 1}
phases: [cold]
"""


def shipped() -> list[Scenario]:
    found = [loader.load(path) for path in sorted(SCENARIOS.glob("*.yaml"))]
    return [one for one in found if one.name not in ONE_ROUND and one.until is not None]


def test_a_scenario_that_names_no_rounds_goes_on_until_all_is_decided() -> None:
    bare = loader.parse(BARE)
    assert (bare.rounds, bare.until) == (10, Until(least=3, margin=0.05, metric="wall"))


def test_what_is_shipped_for_its_times_decides() -> None:
    names = {one.name for one in shipped()}
    assert names >= {"layer-cache", "base-upgrade", "own-dockerfile", "goroot-layouts"}


def decided(ratio: float, spread: float, questions: int, until: Until, most: int, seed: int) -> int:
    """After how many rounds all of so many comparisons are; one more than there are for none."""
    draw = random.Random(seed)
    pairs: list[list[tuple[float, float]]] = [[] for _ in range(questions)]
    for number in range(1, most + 1):
        for one in pairs:
            one.append((ratio * math.exp(draw.gauss(0, spread)), 1.0))
        if number < until.least:
            continue
        looks = Looks(until.least, most)
        found = [compare_paired(one, margin=until.margin, looks=looks) for one in pairs]
        verdicts = corrected([one for one in found if one is not None])
        if all(one.verdict is Verdict.SLOWER for one in verdicts):
            return number
    return most + 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_seventyfold_difference_is_decided_in_three_rounds(seed: int) -> None:
    for one in (*shipped(), loader.parse(BARE)):
        assert one.until is not None
        rounds = decided(70, 0.1, 8, one.until, one.rounds, seed)
        assert rounds <= 4, (one.name, rounds)
        assert decided(1.4, 0.03, 4, one.until, one.rounds, seed) <= 6, one.name
