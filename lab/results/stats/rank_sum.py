"""The rank-sum test of Mann and Whitney on logarithms of times, and the shift that goes with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from lab.results.stats.signed_rank import Array

EXACT = 25  # with so many on each side the null distribution is counted out, above taken as normal
PAIRS = 1_000_000  # differences that are told apart
FEW = 10_000  # differences that are put in order


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


def shift(
    these: Array, others: Array, confidence: float
) -> tuple[float, tuple[float, float] | None]:
    """The estimate of Hodges and Lehmann, which is the median of all differences, and its interval:
    the shifts that a two-sided test does not reject. None for it where there are too few samples.
    """
    sides = _quantiles(these), _quantiles(others)
    count = len(sides[0]) * len(sides[1])
    out = _outside(len(these), len(others), (1 - confidence) / 2)
    ranks = [(count - 1) // 2, count // 2]
    if out is not None:
        out = out * count // (len(these) * len(others))
        ranks += [out, count - 1 - out]
    low, high, *ends = _smallest(*sides, ranks)
    return (low + high) / 2, (ends[0], ends[1]) if ends else None


def _outside(rows: int, columns: int, rest: float) -> int | None:
    """How many differences lie beyond each end of an interval that misses by ``rest`` there."""
    if max(rows, columns) <= EXACT:
        below = np.cumsum(_null(rows, columns))
        out = int(np.count_nonzero(below <= rest * (1 + 1e-9))) - 1
        return None if out < 0 else out
    if 1 / rest > math.comb(rows + columns, rows):  # as whole numbers: floats have an end
        return None
    spread = math.sqrt(rows * columns * (rows + columns + 1) / 12)
    return max(int(rows * columns / 2 - 0.5 + ndtri(rest) * spread), 0)


def _quantiles(side: Array) -> Array:
    """A side in order; of very many samples their quantiles stand for them.

    As `numpy.quantile` gives them of samples in any order; in order they only have to be looked up.
    """
    ordered, most = np.sort(side), math.isqrt(PAIRS)
    if len(ordered) <= most:
        return ordered
    at = (np.arange(most) + 0.5) / most * (len(ordered) - 1)
    below = np.floor(at).astype(int)
    part = at - below
    low, high = ordered[below], ordered[below + 1]
    between = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return np.asarray(between)


def _smallest(these: Array, others: Array, ranks: Sequence[int]) -> list[float]:
    """The differences of these ranks, from 0, among all pairs of two sides that are in order.

    Halving says how many lie below a value without making them: each of ``these`` pairs with a run
    of the others. Once few are left between two values, those are made and put in order.
    """
    found = {rank: _of_rank(these, others, rank) for rank in {*ranks}}
    return [found[rank] for rank in ranks]


def _of_rank(these: Array, others: Array, rank: int) -> float:
    low, high = float(these[0] - others[-1]), float(these[-1] - others[0])
    width = max(abs(low), abs(high)) * 1e-12  # far more than what rounding may move one by
    first, last = np.zeros(len(these), int), np.full(len(these), len(others))
    while last.sum() - first.sum() > FEW and high - low > 8 * width:
        middle = low + (high - low) / 2
        # Of these, the others from ``cut`` on give no more than the middle.
        cut = np.searchsorted(others, these - middle, "left")
        if len(these) * len(others) - int(cut.sum()) > rank:
            high = middle
            first = np.searchsorted(others, these - (high + width), "left")
        else:
            low = middle
            last = np.searchsorted(others, these - (low - width), "right")
    beneath = len(these) * len(others) - int(last.sum())
    sizes = last - first
    rows = np.repeat(np.arange(len(these)), sizes)
    places = np.arange(len(rows)) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
    left = these[rows] - others[places]
    return float(np.partition(left, rank - beneath)[rank - beneath])


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
