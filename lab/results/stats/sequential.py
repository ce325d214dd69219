"""Interim analyses: p-values that stay honest though they are computed after every round.

Such an analysis is called a look, as in Jennison and Turnbull (2000).

From round nine on the evidence is the exact p-value of the signed-rank test, brought to the
boundary of lab.results.stats.boundaries. That test's smallest p-value after n rounds is 2 ** -n,
so before
round nine it could not stop anything, however plain the difference. There the paired t-test stands
in its place, as Pocock (Biometrika 64, 1977) and Jennison and Turnbull (2000, chapter 3) bring a t
statistic to a boundary that was made for normal ones: by its significance.

Few rounds may agree for a reason of their own: times counted in ticks, or mere chance. So the
t-test never takes rounds to be closer than `LEAST_SPREAD`, whatever they show. What comes of being
built first falls out of two rounds (lab.scenario.plan.order), and only widens their spread.

The boundary is exact for sums of normals, these tests are not sums: by simulation of 120,000 runs
of normal noise looks at thirty rounds would err in 5.7 % where 5 % is stated, which `CAUTION` makes
up for (benchmarks/verdicts.py --boundary 120000).
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr, stdtrit

from lab.results.stats import boundaries, signed_rank
from lab.results.stats.signed_rank import Array

CAUTION = 1.15  # what every p-value over several looks is multiplied by
EARLY = 8  # the last round that the t-test decides
LEAST_SPREAD = 0.03  # of the logarithms of rounds' ratios, about 3 %: in the t-test only
SIDES = ((1, 0), (-1, 0), (1, -1), (-1, -1))  # sign of the series, sign of the margin


def p_values(differences: Array, margin: float, first: int, last: int) -> Array:
    """Of series of differences, for looks after each round from ``first`` to ``last``.

    [..., n] -> [3, ..., n - first + 1]: one-sided of "not above 0" and of "not below 0", and of
    "not within the margin", each the smallest so far. ``margin`` is a logarithm.
    """
    found = np.stack([at_each_round(sign * differences, at * margin) for sign, at in SIDES])
    # "Same" takes both of its sides at the same look.
    return adjusted(np.stack([*found[:2], np.maximum(*found[2:])])[..., first - 1 :], first, last)


def at_each_round(differences: Array, shift: float) -> Array:
    """The one-sided p-value of the test that decides at each round: [..., n] -> [..., n]."""
    early = differences[..., :EARLY]
    if differences.shape[-1] <= EARLY:
        return t_tests(early, shift)
    late = signed_rank.prefix_p_values(differences, shift)[..., EARLY:]
    return np.concatenate([t_tests(early, shift), late], axis=-1)


def adjusted(found: Array, first: int, last: int) -> Array:
    """P-values over all looks, from those of each look alone: the smallest so far.

    ``found`` is [..., looks] of rounds ``first``, ``first`` + 1 ... of at most ``last``.
    """
    rounds = np.arange(first, first + found.shape[-1])
    ever = boundaries.ever(boundaries.height(found, rounds, last), first, last)
    p_value = np.maximum(np.minimum(CAUTION * ever, 1.0), found)
    return np.asarray(np.minimum.accumulate(p_value, axis=-1))


def level(error: float, look: int, first: int, last: int) -> float:
    """The p-value of one look at which rounds end at this round, or at a later one."""
    return boundaries.nominal(error / CAUTION, min(max(look, first), last), first, last)


def interval_error(error: float, count: int, last: int) -> float:
    """The error to take an interval at after ``count`` of ``last`` rounds, for it to be ``error``.

    Whoever stops when something shows has an interval that is a little too short, the more so the
    longer nothing has shown; by how much is by simulation (benchmarks/verdicts.md).
    """
    return error * (0.95 - 0.45 * count / last)


def interval(differences: Array, confidence: float) -> tuple[float, float] | None:
    """The shifts that the test which decides after so many rounds does not reject.

    The t-test's, with the spread that was seen: what `LEAST_SPREAD` guards against is a verdict.
    None after a single round, which shows no spread.
    """
    count = len(differences)
    if count > EARLY:
        return signed_rank.interval(differences, confidence)
    if count < 2:
        return None
    spread = float(np.std(differences, ddof=1))
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * spread / count**0.5
    middle = float(np.mean(differences))
    return middle - half, middle + half


def t_tests(differences: Array, shift: float, *, least_spread: float = LEAST_SPREAD) -> Array:
    """One-sided p-values of the paired t-test of every prefix: [..., n] -> [..., n].

    One round shows no spread, and says nothing.
    """
    moved = differences - shift
    count = np.arange(1, moved.shape[-1] + 1)
    mean = np.cumsum(moved, axis=-1) / count
    # Deviations from the first round: squares of large numbers would cancel to nothing.
    small = moved - moved[..., :1]
    squares = np.cumsum(small**2, axis=-1) - np.cumsum(small, axis=-1) ** 2 / count
    spread = np.sqrt(np.maximum(squares, 0) / np.maximum(count - 1, 1))
    error = np.maximum(spread, least_spread) / np.sqrt(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = stdtr(count - 1, -mean / error)
    return np.asarray(np.where(np.isnan(found), 1.0, found))
