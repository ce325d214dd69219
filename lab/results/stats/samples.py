"""Samples in short: medians, their spread, and how sure that is. Pure; no clock.

Build times are skewed and few, so nothing here assumes a distribution: spread is the range and the
quartiles, confidence comes from order statistics, and too few samples give None, not a guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Samples in short. ``interval`` holds the true median with at least 95 % confidence; None
    where there are fewer than six samples, for then no interval of samples is that sure.
    """

    count: int
    median: float
    low: float
    high: float
    lower_quartile: float
    upper_quartile: float
    interval: tuple[float, float] | None = None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The range; None for a single sample, which has no spread."""
        return (self.low, self.high) if self.count > 1 else None


def summary(samples: Sequence[float]) -> Summary | None:
    """Samples in short; None where there are none."""
    if not samples:
        return None
    ordered = sorted(samples)
    return Summary(
        count=len(ordered),
        median=quantile(ordered, 0.5),
        low=ordered[0],
        high=ordered[-1],
        lower_quartile=quantile(ordered, 0.25),
        upper_quartile=quantile(ordered, 0.75),
        interval=median_interval(ordered),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of sorted samples, linear between neighbours (Hyndman and Fan's type 7)."""
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    # Never outside its neighbours, whatever the rounding.
    return min(high, max(low, low + (high - low) * (place - below)))


def median_interval(
    ordered: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The narrowest pair of order statistics, symmetric in rank, that holds the median so surely.

    The number of samples below the true median is binomial (n, 1/2) whatever the distribution:
    https://en.wikipedia.org/wiki/Median#Confidence_intervals (exact sign-test interval).
    """
    count = len(ordered)
    rank = _rank(count, confidence)
    return None if rank is None else (ordered[rank], ordered[count - 1 - rank])


@cache
def _rank(count: int, confidence: float) -> int | None:
    """The highest rank of which the interval is still so sure; None where none is."""
    # Ranks far below the normal approximation's are sure; from there on each term follows from the
    # one before, so that many samples cost no more than their square root.
    deviation = math.sqrt(count) / 2
    rank = max(0, math.floor(count / 2 - 12 * deviation))
    term = math.exp(
        math.lgamma(count + 1)
        - math.lgamma(rank + 1)
        - math.lgamma(count - rank + 1)
        - count * math.log(2)
    )
    tail, best = 0.0, None
    while rank < count // 2:
        tail += term
        if 1 - 2 * tail < confidence:
            break
        best = rank
        term *= (count - rank) / (rank + 1)
        rank += 1
    return best


def ratios(samples: Sequence[tuple[float, float]]) -> Summary | None:
    """Paired ratios in short: each pair is (this, baseline); pairs without a baseline fall out."""
    return summary([this / base for this, base in samples if base > 0])
