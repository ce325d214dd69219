"""A rule's change: the same tests as every verdict, and what logarithms cannot hold."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from lab.results import stats
from lab.results.gate.changes import Figures
from lab.results.gate.judgement import Finding, Outcome, answer
from lab.results.gate.policy import Kind, Metric, Rule
from tests.factories import noisy


def rule(metric: Metric, kind: Kind, amount: float, unit: str = "throughput") -> Rule:
    return Rule(metric=metric, kind=kind, amount=amount, certainty=0.95, unit=unit)


def rounds(values: Sequence[float]) -> Figures:
    return dict(enumerate(values, 1))


def asked(one: Rule, old: Sequence[float], new: Sequence[float], *, paired: bool) -> Finding:
    return answer(one, "x", rounds(old), rounds(new), paired=paired)


@pytest.mark.parametrize("paired", [True, False])
def test_a_relative_change_is_that_of_the_verdicts(paired: bool) -> None:
    old, new = noisy(10), noisy(10.5, seed=2)
    found = asked(rule("wall", "relative", 0.12), old, new, paired=paired)
    known = (
        stats.compare_paired(list(zip(new, old, strict=True)), confidence=0.9)
        if paired
        else stats.compare_unpaired(new, old, confidence=0.9)
    )
    assert known is not None
    assert known.interval is not None
    assert (found.outcome, found.change) == (Outcome.PASS, pytest.approx(known.ratio))
    assert found.interval == pytest.approx(known.interval)
    assert found.method == ("paired" if paired else "two samples")


def test_pairs_see_through_drift_that_two_samples_do_not() -> None:
    drift = [1.0, 3.0, 2.0, 5.0, 4.0, 1.5, 2.5, 4.5]
    new = [one * 1.2 for one in drift]
    one = rule("wall", "relative", 0.12)
    assert asked(one, drift, new, paired=True).outcome is Outcome.FAIL
    assert asked(one, drift, new, paired=False).outcome is Outcome.CANNOT_TELL


@pytest.mark.parametrize(
    ("one", "old", "new", "outcome"),
    [
        (rule("wall", "absolute", 2), noisy(10), noisy(11, seed=2), Outcome.PASS),
        (rule("wall", "absolute", 2), noisy(10), noisy(13, seed=2), Outcome.FAIL),
        (rule("peak_memory", "limit", 1.2e9), [], noisy(1.1e9), Outcome.PASS),
        (rule("peak_memory", "limit", 1.2e9), [], noisy(1.3e9), Outcome.FAIL),
        (rule("peak_memory", "limit", 1.2e9), [], noisy(1.2e9), Outcome.CANNOT_TELL),
        # Shares of nothing, and figures that are counted, have no logarithm.
        (rule("hit_rate", "absolute", 0.1), noisy(0.5), [0.0] * 8, Outcome.FAIL),
        (rule("hit_rate", "absolute", 0.1), [0.0] * 8, [0.0] * 8, Outcome.PASS),
        (rule("hit_rate", "absolute", 0.1), [0, 0.05] * 4, [0.05, 0] * 4, Outcome.PASS),
        (rule("go_benchmark", "relative", 0.08, "allocs/op"), [0, 0], [0, 0], Outcome.PASS),
        (rule("go_benchmark", "relative", 0.08, "allocs/op"), [0, 0], [5, 5], Outcome.CANNOT_TELL),
        (rule("go_benchmark", "absolute", 3, "allocs/op"), [0, 0], [5, 5], Outcome.FAIL),
        (rule("go_benchmark", "relative", 0.08), noisy(1e6), noisy(0.8e6, seed=3), Outcome.FAIL),
    ],
)
def test_every_kind_of_rule_is_decided(
    one: Rule, old: list[float], new: list[float], outcome: Outcome
) -> None:
    assert asked(one, old, new, paired=False).outcome is outcome


def test_doubt_says_how_many_more_rounds_would_tell() -> None:
    old, new = noisy(10, 6), [value * 1.09 for value in noisy(10, 6, seed=5)]
    found = asked(rule("wall", "relative", 0.12), old, new, paired=True)
    assert found.outcome is Outcome.CANNOT_TELL
    assert "more rounds would decide" in (found.reason or "")


@pytest.mark.slow
def test_false_alarms_keep_to_the_certainty() -> None:
    """At the very edge of what is allowed, in rounds that drift, at most one in twenty fails."""
    draw = random.Random(7)
    fails = 0
    for _ in range(300):
        old = [draw.lognormvariate(0, 0.5) for _ in range(10)]
        new = [one * 1.12 * draw.lognormvariate(0, 0.1) for one in old]
        one = answer(
            rule("wall", "relative", 0.12),
            "x",
            rounds(old),
            rounds(new),
            paired=True,
            forecast=False,
        )
        fails += one.outcome is Outcome.FAIL
    assert 1 <= fails <= 27  # the binomial 99.9 % quantile of 300 at 5 %
