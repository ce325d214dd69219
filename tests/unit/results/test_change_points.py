"""Changes of level in made-up series: the right place, none where none is, and no drift for one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from lab.results.stats import change_points as module
from lab.results.stats.change_points import ENOUGH, ERROR, FEWEST, change_points

SEEDS = range(20)


def series(seed: int, count: int, noise: float = 0.04) -> np.ndarray:
    return 10 * np.exp(np.random.default_rng(seed).normal(0, noise, count))


def places(values: np.ndarray) -> list[int]:
    return [split.at for split in change_points(values.tolist()).splits]


@pytest.mark.parametrize(("count", "at"), [(300, 280), (100, 92), (60, 55), (30, 26), (300, 150)])
def test_a_change_is_found_where_it_is_and_no_other(count: int, at: int) -> None:
    right = 0
    for seed in SEEDS:
        values = series(seed, count)
        values[at:] *= 1.25
        found = places(values)
        right += len(found) == 1 and abs(found[0] - at) <= 1
    assert right >= 17


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 30, 100, 300])
def test_flat_series_show_none(count: int) -> None:
    assert not any(places(series(seed, count)) for seed in range(200 if count < 300 else 50))


def test_noise_with_heavy_tails_shows_none() -> None:
    """Student's law with three degrees of freedom: outliers of ten standard deviations."""
    for seed in range(100):
        noise = np.random.default_rng(seed).standard_t(3, 80)
        assert not places(10 * np.exp(0.04 * noise))


@pytest.mark.parametrize("total", [0.1, 0.3, 1.0])
def test_a_steady_drift_is_no_change_of_level(total: float) -> None:
    alarms, drifting = 0, 0
    for seed in SEEDS:
        found = change_points((series(seed, 100) * np.exp(np.linspace(0, total, 100))).tolist())
        alarms += bool(found.splits)
        if found.drift is not None:
            drifting += 1
            assert found.drift * 99 == pytest.approx(total, abs=0.06)
    assert alarms <= 1
    assert drifting >= (15 if total > 0.1 else 0)


@pytest.mark.parametrize("factor", [0.3, 1.5, 3.0, 100.0])
def test_a_single_outlier_is_no_change(factor: float) -> None:
    for seed in SEEDS:
        values = series(seed, 40)
        values[seed * 2] *= factor
        assert not places(values)


def test_a_change_and_its_undoing_do_not_hide_each_other() -> None:
    for seed in SEEDS:
        values = series(seed, 300)
        values[150:156] *= 1.25
        assert places(values) == [pytest.approx(150, abs=1), pytest.approx(156, abs=1)]


def test_two_changes_are_found() -> None:
    values = series(2, 36, 0.02) * np.repeat([1, 1.3, 0.9], 12)
    assert places(values) == [pytest.approx(12, abs=1), pytest.approx(24, abs=1)]


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 5, [2.0] * 30, [0.0] * 30])
def test_few_or_equal_values_show_none(values: list[float]) -> None:
    assert change_points(values) == module.Found()


@pytest.mark.parametrize(("count", "found"), [(ENOUGH - 1, []), (ENOUGH, [4])])
def test_it_takes_eight_runs_however_plain_the_change(count: int, found: list[int]) -> None:
    values = series(1, count, 0.001)
    values[4:] *= 70
    assert places(values) == found


def test_a_change_from_nothing_is_found() -> None:
    assert places(np.array([0.0] * 6 + [0.75] * 6)) == [6]


def test_the_evidence_is_students_t_as_scipy_has_it() -> None:
    """A clean step: what is said of it is scipy's two-sample t test, times the places looked at."""
    values = series(3, 24, 0.02)
    values[15:] *= 1.2
    (split,) = change_points(values.tolist()).splits
    logs = np.log(values)
    expected = float(scipy.stats.ttest_ind(logs[:15], logs[15:]).pvalue)
    stretches = list(module._stretches(24))
    tests = sum(end - begin - 2 * FEWEST + 1 for begin, end in stretches)
    assert split.at == 15
    # Values that stand out by more than three standard deviations were drawn in: none here.
    assert split.p_value == pytest.approx(tests * expected, rel=1e-6)


@pytest.mark.parametrize("step", [1.0, 1.01, 1.05, 1.3])
def test_what_is_left_out_early_could_not_have_been_told(step: float) -> None:
    """The evidence of all stretches is the oracle of the search that skips most of them."""
    values = series(11, 200)
    values[140:] *= step
    stretches = list(module._stretches(200))
    tests = sum(end - begin - 2 * FEWEST + 1 for begin, end in stretches)
    sums = module._Sums(np.log(values), tests)
    every = list(sums.best(stretches))
    near = list(sums.best(stretches, sums.least(ERROR)))
    assert len(every) == len(stretches)
    assert len(near) < len(every)
    assert [one for one in every if one.p_value <= ERROR] == [
        one for one in near if one.p_value <= ERROR
    ]


@given(st.lists(st.floats(0.1, 1e6), max_size=60), st.floats(0.01, 100))
def test_what_is_found_holds_its_promises(values: list[float], scale: float) -> None:
    found = change_points(values)
    at = [split.at for split in found.splits]
    assert at == sorted(set(at))
    edges = [0, *at, len(values)]
    assert all(b - a >= FEWEST for a, b in pairwise(edges)) or not at
    assert all(0 <= split.p_value <= ERROR for split in found.splits)
    # Another unit is no other series.
    assert [split.at for split in change_points([one * scale for one in values]).splits] == at
