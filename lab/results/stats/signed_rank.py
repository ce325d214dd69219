"""The signed-rank test of Wilcoxon, for many series and all their prefixes at once.

The statistic W counts the Walsh averages above zero (Tukey; Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd ed., 3.1-3.3): what lies on zero counts half, so ties and
zeros need no rule of their own and make the test careful, never bold. If nothing differs, either
build of a round is as likely to be the slower one, by as much: the null distribution is then exact,
whatever the law of the noise. What comes of order falls out of two rounds
(lab.scenario.plan.order), which makes the test the more careful.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

EXACT = 60  # up to so many the null distribution is counted out, above it is taken as normal
FINE = 1e-10  # how exactly they are searched: of logarithms, so about a ten-thousand-millionth
WALSH = 1500  # up to so many all Walsh averages are held (1.1 million), above they are searched


@lru_cache(maxsize=256)
def tail(count: int) -> Array:
    """P(W >= w) for w = 0 .. n(n+1)/2 + 1 where nothing differs."""
    ways = np.ones(1)
    for rank in range(1, count + 1):
        ways = (np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))) / 2
    return np.append(np.clip(np.cumsum(ways[::-1])[::-1], 0, 1), 0.0)


def upper(statistic: Array, count: int) -> Array:
    """One-sided p-values: how likely W is to be this large or larger, halves rounded down."""
    if count <= EXACT:
        return np.asarray(tail(count)[np.floor(statistic).astype(np.intp)])
    middle = count * (count + 1) / 4
    spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    return np.asarray(ndtr((middle + 0.5 - np.floor(statistic)) / spread))


def statistics(differences: Array) -> Array:
    """W of every prefix of each series: [..., n] -> [..., n], the last one that of the whole."""
    count = differences.shape[-1]
    sums = differences[..., :, None] + differences[..., None, :]
    above = (sums > 0) + 0.5 * (sums == 0)
    return np.asarray(np.cumsum((above * np.tril(np.ones((count, count)))).sum(-1), axis=-1))


def statistic(differences: Array) -> float:
    """W of one series, of any length, by sorting."""
    return _above(np.sort(differences), 0.0)


def _above(ordered: Array, shift: float) -> float:
    """W of a sorted series less ``shift``."""
    # For each i, the largest first, the j >= i with d[i] + d[j] > 2 shift, and those with =. What
    # is looked up rises then too, which is quicker by half.
    places = np.arange(len(ordered))[::-1]
    wanted = 2 * shift - ordered[::-1]
    above = len(ordered) - np.maximum(np.searchsorted(ordered, wanted, side="right"), places)
    from_shift = len(ordered) - np.maximum(np.searchsorted(ordered, wanted, side="left"), places)
    return float(above.sum() + (from_shift - above).sum() / 2)


def one_sided(differences: Array, shift: float) -> float:
    """The p-value of "the centre is not above ``shift``"."""
    found = np.array(statistic(differences - shift))
    return float(upper(found, len(differences)))


def prefix_p_values(differences: Array, shift: float) -> Array:
    """`one_sided` for every prefix of each series."""
    found = statistics(differences - shift)
    values = [upper(found[..., k - 1], k) for k in range(1, differences.shape[-1] + 1)]
    return np.stack(values, axis=-1)


def centre(differences: Array) -> float:
    """The estimate of Hodges and Lehmann: the median of the Walsh averages."""
    if len(differences) <= WALSH:
        return float(np.median(_walsh(differences)))
    middle = len(differences) * (len(differences) + 1) / 4
    return _crossing(differences, middle)


def interval(differences: Array, confidence: float) -> tuple[float, float] | None:
    """The values that a two-sided test does not reject; None where there are too few samples.

    It holds the centre with at least ``confidence``, as near to it as whole ranks allow.
    """
    count = len(differences)
    out = rejection_count(count, confidence)
    if out is None:
        return None
    if count <= WALSH:
        walsh = np.sort(_walsh(differences))
        return float(walsh[out]), float(walsh[len(walsh) - 1 - out])
    total = count * (count + 1) / 2
    # Half a Walsh average on: just where the test begins to reject.
    return _crossing(differences, total - out - 0.5), _crossing(differences, out + 0.5)


def rejection_count(count: int, confidence: float) -> int | None:
    """How many Walsh averages lie outside the interval on each side; None: too few samples."""
    rest = (1 - confidence) / 2
    if count <= EXACT:
        # By symmetry P(W <= c) = P(W >= total - c): the largest c + 1 with that at most the rest.
        found = int(np.count_nonzero(tail(count)[:-1] <= rest * (1 + 1e-9)))
        return found - 1 if found else None
    middle = count * (count + 1) / 4
    spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    return max(int(middle - 0.5 + ndtri(rest) * spread), 0)


def _walsh(differences: Array) -> Array:
    rows, columns = np.triu_indices(len(differences))
    return np.asarray((differences[rows] + differences[columns]) / 2)


def _crossing(differences: Array, wanted: float) -> float:
    """The shift at which W falls to ``wanted``: W falls as the shift grows."""
    ordered = np.sort(differences)
    low, high = float(ordered[0]), float(ordered[-1])
    while high - low > FINE:
        middle = (low + high) / 2
        if _above(ordered, middle) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
