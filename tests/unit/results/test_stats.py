"""Statistics against oracles: the statistics module, and the binomial law by simulation."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.results.stats import median_interval, ratios, summary

NUMBERS = st.floats(min_value=1e-6, max_value=1e6)


@given(st.lists(NUMBERS, min_size=2, max_size=60))
def test_summary_agrees_with_the_standard_library(samples: list[float]) -> None:
    found = summary(samples)
    assert found is not None
    quartiles = statistics.quantiles(samples, n=4, method="inclusive")
    assert found.median == pytest.approx(statistics.median(samples))
    assert found.lower_quartile == pytest.approx(quartiles[0])
    assert found.upper_quartile == pytest.approx(quartiles[2])
    assert (found.low, found.high, found.count) == (min(samples), max(samples), len(samples))
    assert found.low <= found.lower_quartile <= found.median <= found.upper_quartile <= found.high


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_does_not_matter(samples: list[float], shuffler: random.Random) -> None:
    other = list(samples)
    shuffler.shuffle(other)
    assert summary(other) == summary(samples)


def test_nothing_is_said_of_no_samples_and_no_spread_of_one() -> None:
    assert summary([]) is None
    one = summary([2.0])
    assert one is not None
    assert (one.spread, one.interval) == (None, None)


def test_the_interval_has_the_ranks_of_the_tables() -> None:
    # Ranks of the sign-test interval at 95 %, from any table of order statistics, counted from 1.
    for count, rank in {6: 1, 8: 1, 9: 2, 12: 3, 15: 4, 20: 6, 25: 8, 30: 10}.items():
        assert median_interval(range(1, count + 1)) == (rank, count + 1 - rank)
    assert median_interval(range(5)) is None


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    draw = random.Random(5)
    held = 0
    for _ in range(4000):
        low, high = median_interval(sorted(draw.expovariate(1) for _ in range(9))) or (0, 0)
        held += low <= 0.6931471805599453 <= high
    assert held / 4000 >= 0.95


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_ratios_are_of_pairs(pairs: list[tuple[float, float]]) -> None:
    found = ratios(pairs)
    assert found is not None
    assert found.median == pytest.approx(statistics.median(a / b for a, b in pairs))
