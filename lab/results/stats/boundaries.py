"""Interim analyses without more errors: the p-value of a test that looks after every round.

A group-sequential test with the boundary of Wang and Tsiatis (Biometrics 43, 1987): at round k of
at most n the standardised statistic must exceed C * (k / n) ** (SHAPE - 1/2). How likely it is to
do so at any look, where nothing differs, is found by the recursion of Armitage, McPherson and Rowe
(J. R. Stat. Soc. A 132, 1969) in the form of Jennison and Turnbull, Group Sequential Methods with
Applications to Clinical Trials (2000), chapter 19. The smallest error rate at which the test has
fired by now is a p-value that may be looked at after every round (Liu and Anderson, J. Am. Stat.
Assoc. 103, 2008).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from lab.results.stats.signed_rank import Array

SHAPE = 0.45  # 1/2 is Pocock's boundary, 0 that of O'Brien and Fleming; benchmarks/verdicts.py
_HEIGHTS = np.linspace(0.0, 6.0, 49)
_POINTS = 161  # of Simpson's rule; odd


def ever(heights: Array, first: int, last: int) -> Array:
    """How likely one-sided looks at rounds ``first`` .. ``last`` are ever to exceed a height C."""
    known = _table(first, last)
    found = np.exp(np.interp(heights, _HEIGHTS, np.log(known)))
    return np.asarray(np.minimum(found, 1.0))


def height(p_values: Array, rounds: Array, last: int) -> Array:
    """The C that one-sided p-values of these rounds have reached."""
    # Half a step of the greatest precision keeps a p-value of 0 or 1 finite.
    return np.asarray(
        -ndtri(np.clip(p_values, 1e-15, 1 - 1e-15)) * (rounds / last) ** (0.5 - SHAPE)
    )


def nominal(error: float, look: int, first: int, last: int) -> float:
    """The one-sided p-value at which a test with this one-sided error stops at round ``look``."""
    falling = _table(first, last)[::-1]
    least = float(np.interp(np.log(error), np.log(falling), _HEIGHTS[::-1]))
    return float(ndtr(-least * (look / last) ** (SHAPE - 0.5)))


@lru_cache(maxsize=64)
def _table(first: int, last: int) -> Array:
    return np.array([_crossing(float(one), first, last) for one in _HEIGHTS])


def _crossing(least: float, first: int, last: int) -> float:
    """P(S_k / sqrt(k) >= C (k/n)^(SHAPE - 1/2) for some k) of sums S of standard normals."""
    weights = np.ones(_POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    total, points, density = 0.0, np.zeros(1), np.ones(1)
    for look in range(first, last + 1):
        step = np.sqrt(first if look == first else 1.0)
        bound = least * (look / last) ** (SHAPE - 0.5) * np.sqrt(look)
        total += float(density @ ndtr((points - bound) / step))
        if look == last:
            break
        grid = np.linspace(-7.0 * np.sqrt(look), bound, _POINTS)
        kernel = np.exp(-0.5 * ((grid[:, None] - points) / step) ** 2)
        simpson = weights * (grid[1] - grid[0]) / 3
        density = (kernel @ density) / (step * np.sqrt(2 * np.pi)) * simpson
        points = grid
    return min(max(total, 1e-300), 1.0)
