"""Intervals of 95 % of a count and of a share; that of a median is `samples.median_interval`."""

from __future__ import annotations

import math

from scipy.special import pdtri

_Z = 1.959964


def of_count(count: int) -> tuple[float, float]:
    """Garwood's exact interval of a Poisson count.

    Its ends are the means of which so many or more, so many or fewer, come once in forty times.
    """
    low = pdtri(count - 1, 0.975) if count else 0.0
    return float(low), float(pdtri(count, 0.025))


def of_share(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval: it stays inside 0 and 1, and says something of 0 out of n."""
    share, square = count / of, _Z * _Z / of
    centre = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)
