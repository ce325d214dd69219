"""Verdicts against SciPy's own tests, benchstat's rules, and what must hold for any numbers."""

from __future__ import annotations

import math
import warnings
from functools import partial

import numpy as np
import pytest
import scipy  # its parts are imported when they are first asked for
from hypothesis import given
from hypothesis import strategies as st

from lab.results import footnotes
from lab.results.stats import (
    Looks,
    Verdict,
    boundaries,
    compare_paired,
    compare_unpaired,
    corrected,
    median_interval,
    rank_sum,
    sequential,
    signed_rank,
    summary,
)
from lab.results.stats.verdicts import holm

TIMES = st.floats(min_value=1e-3, max_value=1e4)
PAIRS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=25)


def noise(seed: int, count: int, centre: float = 0.0, spread: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, spread, count)


@pytest.mark.parametrize("count", [6, 9, 14, 30, 49])
@pytest.mark.parametrize("centre", [0.0, 0.05, -0.1])
def test_the_signed_rank_test_is_scipys(count: int, centre: float) -> None:
    found = noise(count, count, centre)
    for sign in (1, -1):
        theirs = scipy.stats.wilcoxon(sign * found, alternative="greater", method="exact")
        assert signed_rank.one_sided(sign * found, 0.0) == pytest.approx(theirs.pvalue)
        assert signed_rank.statistic(sign * found) == theirs.statistic
    told = compare_paired([(math.exp(one), 1.0) for one in found])
    assert told is not None
    assert told.p_value == pytest.approx(scipy.stats.wilcoxon(found, method="exact").pvalue)


@pytest.mark.parametrize("count", [61, 200, 3000])
def test_the_signed_rank_test_of_many_is_scipys(count: int) -> None:
    found = noise(count, count, 0.01)
    theirs = scipy.stats.wilcoxon(
        found, alternative="greater", method="asymptotic", correction=True
    )
    assert signed_rank.one_sided(found, 0.0) == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("count", [7, 12, 30, 100, 2000])
def test_the_interval_is_what_scipys_test_does_not_refuse(count: int) -> None:
    found = noise(count, count, 0.03)
    low, high = signed_rank.interval(found, 0.95) or (0.0, 0.0)
    step = (high - low) / 1e6
    for shift, inside in ((low + step, 1), (low - step, 0), (high - step, 1), (high + step, 0)):
        method = "exact" if count <= signed_rank.EXACT else "asymptotic"
        p_value = scipy.stats.wilcoxon(found - shift, method=method, correction=True).pvalue
        assert (p_value > 0.05) == inside


@pytest.mark.parametrize("count", [6, 7, 9, 20, 31, 100])
def test_the_medians_interval_is_scipys_quantile_test(count: int) -> None:
    """SciPy's has two one-sided limits that may differ by a rank; ours is symmetric, as surely."""
    samples = sorted(np.exp(noise(count, count)).tolist())
    found, told = median_interval(samples), summary(samples)
    theirs = scipy.stats.quantile_test(samples, p=0.5)
    sides = [
        scipy.stats.quantile_test(samples, p=0.5, alternative=side).confidence_interval(0.975)
        for side in ("greater", "less")
    ]
    assert found == pytest.approx((sides[0].low, sides[1].high))
    assert theirs.confidence_interval(0.95).low == pytest.approx(found[0])
    assert told is not None
    assert told.median == pytest.approx(float(np.median(samples)))
    quartiles = scipy.stats.mstats.mquantiles(samples, alphap=1, betap=1)
    assert (told.lower_quartile, told.median, told.upper_quartile) == pytest.approx(
        tuple(quartiles)
    )


@pytest.mark.parametrize("centre", [0.0, 0.03, 0.2])
def test_the_equivalence_test_is_two_of_scipys(centre: float) -> None:
    found, limit = noise(17, 17, centre, 0.03), math.log1p(0.05)
    told = compare_paired([(math.exp(one), 1.0) for one in found], margin=0.05)
    assert told is not None
    low = scipy.stats.wilcoxon(found + limit, alternative="greater", method="exact").pvalue
    high = scipy.stats.wilcoxon(found - limit, alternative="less", method="exact").pvalue
    assert told.same_p_value == pytest.approx(max(low, high))
    these, others = noise(18, 14, centre, 0.03), noise(19, 16, 0.0, 0.03)
    beside = compare_unpaired(np.exp(these), np.exp(others), margin=0.05)
    assert beside is not None
    ranks = partial(scipy.stats.mannwhitneyu, method="exact")
    low = ranks(these + limit, others, alternative="greater").pvalue
    high = ranks(these - limit, others, alternative="less").pvalue
    assert beside.same_p_value == pytest.approx(max(low, high))


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (8, 12), (25, 25), (30, 41)])
def test_the_rank_sum_test_is_scipys(rows: int, columns: int) -> None:
    these, others = np.exp(noise(1, rows, 0.1)), np.exp(noise(2, columns))
    told = compare_unpaired(these, others)
    assert told is not None
    theirs = scipy.stats.mannwhitneyu(
        these, others, method="exact" if columns <= 25 else "asymptotic"
    )
    assert told.p_value == pytest.approx(theirs.pvalue)
    assert told.interval is not None
    low, high = map(math.log, told.interval)
    step = (high - low) / 1e6
    for shift, inside in ((low + step, 1), (low - step, 0), (high - step, 1), (high + step, 0)):
        moved = np.log(these) - shift
        method = "exact" if columns <= 25 else "asymptotic"
        p_value = scipy.stats.mannwhitneyu(moved, np.log(others), method=method).pvalue
        assert (p_value > 0.05) == inside


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [1, 12])
def test_ranks_and_ties_count_as_scipy_counts_them(decimals: int) -> None:
    """Rounded to tenths nearly all are tied; where SciPy takes them as normal, to the last bit."""
    random = np.random.default_rng(decimals)
    for _ in range(150):
        rows, columns = random.integers(2, 45, 2)
        these = np.round(random.normal(0.3, 1, rows), decimals)
        others = np.round(random.normal(0, 1, columns), decimals)
        shift = float(random.choice([0.0, 0.1, -0.05]))
        moved = these - shift
        all_differ = len(np.unique([*moved, *others])) == rows + columns
        exact = max(rows, columns) <= 25 and all_differ
        theirs = scipy.stats.mannwhitneyu(
            moved, others, alternative="greater", method="exact" if exact else "asymptotic"
        ).pvalue
        ours = rank_sum.one_sided(these, others, shift)
        assert ours == (pytest.approx(theirs, rel=1e-14) if exact else theirs)


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [1, 3, 12])
def test_a_shift_is_the_median_of_all_differences(decimals: int) -> None:
    """To the last bit as NumPy gives it, which puts all of them in order; of more than a thousand
    samples their quantiles are taken."""
    random = np.random.default_rng(decimals)
    for rows, columns in [(6, 6), (3, 40), (200, 90), (999, 1000), (1500, 30), (1000, 3001)]:
        these = np.round(random.normal(0.3, 1, rows) * random.choice([1e-3, 1.0, 40.0]), decimals)
        others = np.round(random.normal(0, 1, columns), decimals)
        most = np.arange(0.5, 1000) / 1000
        sides = [np.quantile(one, most) if len(one) > 1000 else one for one in (these, others)]
        every = np.sort(np.subtract.outer(*sides), axis=None)
        centre, interval = rank_sum.shift(these, others, 0.95)
        assert centre == np.median(every)
        if interval is not None:
            low, high = (
                range(np.searchsorted(every, end, "left"), np.searchsorted(every, end, "right"))
                for end in interval
            )
            assert {*low} & {len(every) - 1 - place for place in high}, "as many beyond each end"


def test_the_ratio_and_its_interval_agree_with_a_bootstrap() -> None:
    """Another method on the same samples: near, not equal."""
    found = noise(3, 40, 0.2)
    told = compare_paired([(math.exp(one), 1.0) for one in found])
    theirs = scipy.stats.bootstrap(
        (found,), np.median, n_resamples=2000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert told is not None
    assert told.interval is not None
    assert theirs.low < math.log(told.ratio) < theirs.high
    mean = scipy.stats.bootstrap(
        (found,), np.mean, n_resamples=2000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert np.log(told.interval) == pytest.approx((mean.low, mean.high), abs=0.012)


def test_too_few_samples_are_said_as_benchstat_says_it() -> None:
    """benchstat: "need >= 6 samples for confidence interval at level 0.95", and "need >= 4 samples
    to detect a difference at alpha level 0.05"
    (https://pkg.go.dev/golang.org/x/perf/cmd/benchstat).
    """
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == (1.0, 6.0)
    for count, verdict in ((3, Verdict.UNDECIDED), (4, Verdict.SLOWER)):
        these = [2.0 + at / 100 for at in range(count)]
        told = compare_unpaired(these, [one / 2 for one in these])
        assert told is not None
        assert told.verdict is verdict
    five, six = (compare_paired([(2.0 + at / 100, 1.0) for at in range(n)]) for n in (5, 6))
    assert five is not None
    assert six is not None
    assert (five.verdict, five.interval, five.needed_rounds) == (Verdict.UNDECIDED, None, 1)
    assert six.verdict is Verdict.SLOWER


@pytest.mark.slow
@given(PAIRS)
def test_the_other_way_round_is_the_other_verdict(pairs: list[tuple[float, float]]) -> None:
    this, that = compare_paired(pairs), compare_paired([(b, a) for a, b in pairs])
    assert this is not None
    assert that is not None
    other = {Verdict.FASTER: Verdict.SLOWER, Verdict.SLOWER: Verdict.FASTER}
    assert that.verdict is other.get(this.verdict, this.verdict)
    assert that.ratio == pytest.approx(1 / this.ratio)
    assert that.p_value == pytest.approx(this.p_value)


@pytest.mark.slow
@given(PAIRS, st.floats(min_value=0.01, max_value=100))
def test_a_slower_machine_changes_nothing(pairs: list[tuple[float, float]], by: float) -> None:
    """Drift of each round's own falls out, whatever it is."""
    moved = [(a * by ** (k % 3), b * by ** (k % 3)) for k, (a, b) in enumerate(pairs)]
    this, that = compare_paired(pairs), compare_paired(moved)
    assert this is not None
    assert that is not None
    assert that.ratio == pytest.approx(this.ratio)


@pytest.mark.slow
@given(PAIRS, st.integers(1, 12))
def test_looking_never_makes_surer(pairs: list[tuple[float, float]], first: int) -> None:
    plain, looked = compare_paired(pairs), compare_paired(pairs, looks=Looks(first, 30))
    assert plain is not None
    assert looked is not None
    logs = np.log([[one, base] for one, base in pairs])
    if first == len(pairs) > 8 and looked.verdict is not Verdict.UNDECIDED:
        assert plain.verdict is looked.verdict
    elif first == len(pairs) > 1 and np.std(logs[:, 0] - logs[:, 1]) > 1e-6:
        theirs = scipy.stats.ttest_rel(logs[:, 0], logs[:, 1]).pvalue
        assert looked.p_value >= theirs * (1 - 1e-6)
    assert 0 <= looked.p_value <= 1
    assert plain.ratio == looked.ratio
    assert (looked.interval is None) == (len(pairs) < 2)
    if looked.interval is not None:
        low, high = looked.interval
        assert low * (1 - 1e-9) <= looked.ratio <= high * (1 + 1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_makes_nothing_surer(p_values: list[float]) -> None:
    found = holm(p_values)
    assert all(
        p <= q <= min(len(p_values) * p, 1) + 1e-12 for p, q in zip(p_values, found, strict=True)
    )
    ordered = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [found[at] for at in ordered] == sorted(found)


def test_a_table_of_many_is_less_sure_than_one() -> None:
    one = compare_paired([(1.1 + at / 1000, 1.0) for at in range(7)])
    assert one is not None
    assert one.verdict is Verdict.SLOWER
    assert {told.verdict for told in corrected([one] * 20)} == {Verdict.UNDECIDED}
    assert corrected([one]) == (one,)
    assert "leaves no change out: 20; " in footnotes.alone(corrected([one] * 20))
    assert footnotes.alone([one]) == ""
    even = compare_paired([(1 + at / 10, 1.0) for at in range(-3, 4)])
    assert even is not None
    assert even.verdict is Verdict.UNDECIDED
    assert footnotes.alone([even]) == ""


@pytest.mark.slow
def test_the_boundary_holds_its_error_by_simulation() -> None:
    draw = np.random.default_rng(7)
    walks = np.cumsum(draw.standard_normal((40_000, 30)), axis=1)[:, 4:]
    rounds = np.arange(5, 31)
    highest = (walks / np.sqrt(rounds) * (rounds / 30) ** (0.5 - boundaries.SHAPE)).max(axis=1)
    for height in (1.645, 2.0, 2.5):
        share = float(boundaries.ever(np.array(height), 5, 30))
        assert float((highest >= height).mean()) == pytest.approx(share, rel=0.08)
    level = boundaries.nominal(0.025, 30, 5, 30)
    assert 0.005 < level < 0.025


@pytest.mark.parametrize("shift", [0.0, 0.05])
def test_the_early_test_is_scipys_paired_t_test(shift: float) -> None:
    these, others = noise(5, 12, 0.04), noise(6, 12)
    found = sequential.t_tests(these - others, shift, least_spread=0.0)
    for count in range(2, 13):
        theirs = scipy.stats.ttest_rel(
            these[:count] - shift, others[:count], alternative="greater"
        ).pvalue
        assert found[count - 1] == pytest.approx(theirs)
    assert found[0] == 1.0
    nothing = sequential.t_tests(np.full(3, 0.01), 0.01, least_spread=0.0)
    assert nothing == pytest.approx([1.0] * 3)


def test_the_early_test_takes_no_rounds_to_be_closer_than_it_states() -> None:
    """Where rounds agree as if by a ruler, it is the normal mean of so many at 3 %."""
    for ratio, count in ((0.05, 4), (0.2, 3), (0.4, 7)):
        told = sequential.t_tests(np.full(count, ratio), 0.0)[-1]
        height = ratio / (sequential.LEAST_SPREAD / math.sqrt(count))
        assert told == pytest.approx(float(scipy.stats.t.sf(height, count - 1)))
    spread = noise(8, 6, 0.1, 0.3)
    assert sequential.t_tests(spread, 0.0)[1:] == pytest.approx(
        sequential.t_tests(spread, 0.0, least_spread=0.0)[1:]
    )


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_the_interval_of_few_looks_is_scipys(count: int) -> None:
    found = noise(count, count, 0.2)
    theirs = scipy.stats.ttest_1samp(found, 0.0).confidence_interval(0.95)
    assert sequential.interval(found, 0.95) == pytest.approx((theirs.low, theirs.high))
    assert sequential.interval(found[:1], 0.95) is None
    more = noise(9, 9, 0.2)
    assert sequential.interval(more, 0.95) == signed_rank.interval(more, 0.95)


def compared(*ratios: float, first: int = 3) -> Verdict:
    """The verdict on rounds of these ratios, looked at from ``first`` on, thirty at the most."""
    told = compare_paired([(one, 1.0) for one in ratios], looks=Looks(first, 30))
    assert told is not None
    return told.verdict


@pytest.mark.slow
def test_a_plain_difference_ends_it_after_three_rounds_and_a_small_one_does_not() -> None:
    assert compared(1.4, 1.41, 1.39) is Verdict.SLOWER
    assert compared(1 / 1.4, 1 / 1.41, 1 / 1.39) is Verdict.FASTER
    assert compared(1.4, 1.41) is Verdict.UNDECIDED
    assert compared(1.06, 1.06, 1.06) is Verdict.UNDECIDED
    assert compared(1.4, 1.9, 1.1) is Verdict.UNDECIDED
    # By round eight, six per cent in each of them is more than rounds at 3 % could show by chance.
    assert compared(*[1.06] * 8) is Verdict.SLOWER
    assert compared(*[1.0] * 7) is Verdict.SAME


@pytest.mark.slow
def test_what_comes_of_being_first_ends_nothing() -> None:
    """A first build that is always so much slower: each even round has it the other way round."""
    for by in (0.03, 0.1, 0.5):
        for count in range(2, 31):
            signs = [by * (-1) ** at for at in range(count)]
            assert compared(*map(math.exp, signs)) in {Verdict.UNDECIDED, Verdict.SAME}


@pytest.mark.slow
def test_those_who_look_err_no_more_often_than_stated() -> None:
    """By simulation, with tails without a variance and rounds that agree by themselves."""
    draw, runs = np.random.default_rng(11), 3000
    sides = draw.choice([-0.03, 0.03], size=(runs, 30)) + draw.normal(0, 0.001, (runs, 30))
    first = draw.choice([-0.2, 0.2], size=(runs, 15, 1)) * np.array([1.0, -1.0])
    turned = first.reshape(runs, 30) + draw.normal(0, 0.01, (runs, 30))
    late = (draw.exponential(0.2, (2, runs, 30)) * [[[1.0]], [[-1.0]]]).sum(axis=0)
    plain, tails = draw.normal(0, 0.1, (runs, 30)), draw.standard_t(2, (runs, 30)) / 10
    for series in (plain, tails, sides, turned, late):
        told = sequential.p_values(series, math.log1p(0.05), 3, 30)[:2, :, -1]
        share = float((told.min(axis=0) <= 0.025).mean())
        assert share <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40))
def test_one_statistic_by_two_ways(values: list[float]) -> None:
    series = np.array(values)
    assert signed_rank.statistics(series)[-1] == signed_rank.statistic(series)


def test_nothing_is_claimed_of_nothing() -> None:
    assert compare_paired([]) is None
    assert compare_paired([(1.0, 0.0)]) is None
    assert compare_unpaired([], [1.0]) is None
    alone = compare_paired([(1.0, 1.0)])
    assert alone is not None
    assert (alone.verdict, alone.interval, alone.needed_rounds) == (Verdict.UNDECIDED, None, None)
    alike = compare_paired([(2.0, 2.0)] * 8)
    assert alike is not None
    assert (alike.verdict, alike.p_value) == (Verdict.SAME, 1.0)
    flat = compare_unpaired([2.0] * 8, [2.0] * 8)
    assert flat is not None
    assert flat.verdict is Verdict.SAME


def test_the_same_seed_forecasts_the_same() -> None:
    pairs = [(math.exp(one), 1.0) for one in noise(4, 12, 0.02)]
    first, again = (compare_paired(pairs, seed=3) for _ in range(2))
    assert first == again
    assert first is not None
    assert first.verdict is Verdict.UNDECIDED
    more = first.needed_rounds
    assert more is not None
    # By the normal law: (1.645 + 0.84)^2 s^2 / (margin - centre)^2 for the nearer of two margins.
    near = max(0.02, math.log(1.05) - 0.02)
    assert 10 < more < 4 * ((1.96 + 0.84) * 0.1 / near) ** 2


@pytest.mark.slow
@pytest.mark.parametrize("looks", [None, Looks(5, 60)])
def test_so_many_rounds_more_decide_in_about_four_of_five_runs(looks: Looks | None) -> None:
    draw, asked, held = np.random.default_rng(21), 0, 0
    for _ in range(80):
        pairs = [(math.exp(one), 1.0) for one in draw.normal(0.05, 0.065, 120)]
        told = compare_paired(pairs[:9], looks=looks)
        assert told is not None
        if told.needed_rounds is not None:
            asked += 1
            then = compare_paired(pairs[: 9 + told.needed_rounds], looks=looks)
            assert then is not None
            held += then.verdict is not Verdict.UNDECIDED
    assert asked >= 25
    assert 0.65 <= held / asked <= 0.97


@pytest.mark.slow
def test_ranks_are_taken_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_paired([(2.0, 1.0)] * 70, looks=Looks(5, 30))
        rank_sum.one_sided(np.zeros(3), np.zeros(4), 0.0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
