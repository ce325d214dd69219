"""The rank-sum test of Mann and Whitney on logarithms of times, and the shift that goes with it."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from lab.results.stats.signed_rank import Array

EXACT = 25  # with so many on each side the null distribution is counted out, above taken as normal
PAIRS = 1_000_000  # differences that are held at once


def one_sided(these: Array, others: Array, shift: float) -> float:
    """The p-value of "these do not lie more than ``shift`` above the others".

    As `scipy.stats.mannwhitneyu` gives it; importing that costs as much as all else that a command
    over stored runs does.
    """
    moved = these - shift
    everything = np.sort(np.concatenate([moved, others]))
    if everything[0] == everything[-1]:
        return 1.0  # no order at all
    rows, columns = len(these), len(others)
    ordered = np.sort(others)
    beneath = np.searchsorted(ordered, moved, "left") + np.searchsorted(ordered, moved, "right")
    above = float(beneath.sum()) / 2  # pairs of which this is the larger, equal ones by half
    tied = bool(np.any(everything[1:] == everything[:-1]))
    if max(rows, columns) <= EXACT and not tied:
        return float(_null(rows, columns)[: rows * columns - int(above) + 1].sum())  # symmetric
    ties = _ties(everything) if tied else 0.0
    count = rows + columns
    spread = math.sqrt(rows * columns / 12 * ((count + 1) - ties / (count * (count - 1))))
    return float(ndtr(-((above - rows * columns / 2 - 0.5) / spread)))


def _ties(ordered: Array) -> float:
    """The sum of t ** 3 - t over the numbers of equal values (Hollander and others, 4.1)."""
    ends = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]]))
    sizes = np.diff(ends, prepend=-1).astype(float)
    return float((sizes**3 - sizes).sum())


def shift(these: Array, others: Array) -> float:
    """The estimate of Hodges and Lehmann: the median of all differences."""
    return float(np.median(_differences(these, others)))


def interval(these: Array, others: Array, confidence: float) -> tuple[float, float] | None:
    """The shifts that a two-sided test does not reject; None where there are too few samples."""
    rows, columns = len(these), len(others)
    rest = (1 - confidence) / 2
    if max(rows, columns) <= EXACT:
        below = np.cumsum(_null(rows, columns))
        out = int(np.count_nonzero(below <= rest * (1 + 1e-9))) - 1
        if out < 0:
            return None
    else:
        if 1 / rest > math.comb(rows + columns, rows):  # as whole numbers: floats have an end
            return None
        spread = math.sqrt(rows * columns * (rows + columns + 1) / 12)
        out = max(int(rows * columns / 2 - 0.5 + ndtri(rest) * spread), 0)
    found = _differences(these, others)
    out = out * len(found) // (rows * columns)
    places = (out, len(found) - 1 - out)
    low, high = np.partition(found, sorted({*places}))[[*places]]
    return float(low), float(high)


def _differences(these: Array, others: Array) -> Array:
    """All of them; of very many the quantiles of each side stand for the samples."""
    most = math.isqrt(PAIRS)
    sides = [
        np.quantile(side, (np.arange(most) + 0.5) / most) if len(side) > most else side
        for side in (these, others)
    ]
    return np.asarray((sides[0][:, None] - sides[1]).ravel())


def _null(rows: int, columns: int) -> Array:
    """P(U = u) for u = 0 .. rows * columns, by the recursion of Mann and Whitney."""
    # ways[m] over u: with m of the first side and n of the second so far.
    ways = [np.ones(1) for _ in range(rows + 1)]
    for number in range(1, columns + 1):
        following = [np.ones(1)]
        for one in range(1, rows + 1):
            size = one * number + 1
            high, low = np.zeros(size), np.zeros(size)
            high[number : number + len(following[one - 1])] = following[one - 1]
            low[: len(ways[one])] = ways[one]
            following.append(high + low)
        ways = following
    return np.asarray(ways[rows] / ways[rows].sum())
