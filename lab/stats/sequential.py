"""What somebody who looked after every round may say: p-values of a series at each of its looks.

The evidence of a round is the exact p-value of the signed-rank test, brought to the boundary of
lab.stats.boundaries. That test's smallest p-value after n rounds is 2 ** -n, so before round nine
it could not stop anything, however plain the difference. In rounds 7 and 8 the p-value of the
paired t-test stands in its place, as Pocock (Biometrika 64, 1977) and Jennison and Turnbull (2000,
chapter 3) bring a t statistic to a boundary that was made for normal ones: by its significance.

The t-test trusts the spread that so few rounds show, and would be wrong where rounds agree for a
reason of their own: a second build that always finds a warm cache, or times counted in ticks. So no
look says more than the signed-rank test at that round alone: the p-value of a look is the larger of
the two. With seven rounds all must point the same way, by chance once in 64 times.

The boundary is exact for sums of normals, these tests are not sums: by simulation of looks at 30
rounds it would err in 5.4 to 5.9 % where 5 % is stated, which `CAUTION` makes up for.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from lab.stats import boundaries
from lab.stats.signed_rank import Array

EARLY = range(7, 9)  # rounds in which the t-test speaks
CAUTION = 1.15  # what every p-value of those who look is multiplied by


def looked(exact: Array, early: Array, first: int, last: int) -> Array:
    """One-sided p-values for those who look, from the p-values of both tests at each look.

    ``exact`` and ``early`` are [..., looks] of rounds ``first``, ``first`` + 1 ...: the signed-rank
    test's and the t-test's. Gives the smallest so far at each look, of at most ``last`` rounds.
    """
    rounds = np.arange(first, first + exact.shape[-1])
    speaks = np.isin(rounds, EARLY)
    reached = boundaries.height(np.where(speaks, early, exact), rounds, last)
    found = np.maximum(np.minimum(CAUTION * boundaries.ever(reached, first, last), 1), exact)
    return np.asarray(np.minimum.accumulate(found, axis=-1))


def level(error: float, look: int, first: int, last: int) -> float:
    """The exact one-sided p-value at which those who look stop at this round, or at a later one."""
    at = min(max(look, first), last)
    return boundaries.nominal(error / CAUTION, at, first, last)


def interval_error(error: float, count: int, last: int) -> float:
    """The error to take an interval at after ``count`` of ``last`` rounds, for it to be ``error``.

    Whoever stops when something shows has an interval that is a little too short, the more so the
    longer nothing has shown; by how much is by simulation (benchmarks/verdicts.md).
    """
    return error * (0.9 - 0.3 * count / last)


def t_tests(differences: Array, shift: float) -> Array:
    """One-sided p-values of the paired t-test of every beginning: [..., n] -> [..., n].

    One round shows no spread, and says nothing; rounds that are all alike have none.
    """
    moved = differences - shift
    count = np.arange(1, moved.shape[-1] + 1)
    mean = np.cumsum(moved, axis=-1) / count
    # Deviations from the first round: squares of large numbers would cancel to nothing.
    small = moved - moved[..., :1]
    squares = np.cumsum(small**2, axis=-1) - np.cumsum(small, axis=-1) ** 2 / count
    spread = np.sqrt(np.maximum(squares, 0) / np.maximum(count - 1, 1) / count)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = stdtr(count - 1, -mean / spread)
    return np.asarray(np.where(np.isnan(found), 1.0, found))
