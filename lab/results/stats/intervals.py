"""Intervals of 95 % that ask for no distribution of the figures: of a count, a share, a median."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binom, chi2

_Z = 1.959964


def of_count(count: int) -> tuple[float, float]:
    """Garwood's exact interval of a Poisson count."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * count + 2) / 2)


def of_share(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval: it stays inside 0 and 1, and says something of 0 out of n."""
    share, square = count / of, _Z * _Z / of
    centre = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def of_median(values: Sequence[float]) -> tuple[float, float] | None:
    """That of the order statistics; None of fewer than six values: no two of them hold it so."""
    ordered, count = sorted(values), len(values)
    below = int(binom.ppf(0.025, count, 0.5)) if count else 0
    while below and binom.cdf(below - 1, count, 0.5) > 0.025:
        below -= 1
    return (ordered[below - 1], ordered[count - below]) if below else None
