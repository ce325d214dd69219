"""The intervals of counts and shares against scipy's distributions, which they do not ask.

Each test imports them itself: all of scipy.stats takes a second, at every collection.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.results.stats import intervals


@given(st.integers(0, 10_000))
def test_a_count_as_far_off_as_the_ends_comes_once_in_forty_times(count: int) -> None:
    from scipy.stats import poisson

    low, high = intervals.of_count(count)
    assert poisson.cdf(count, high) == pytest.approx(0.025, rel=1e-6)
    if count:
        assert poisson.sf(count - 1, low) == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_has_wilson_s_interval(case: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    count, of = case
    wilson = binomtest(count, of).proportion_ci(method="wilson")
    assert intervals.of_share(count, of) == pytest.approx((wilson.low, wilson.high), abs=1e-6)
