"""How many more rounds a comparison would take, by resampling the rounds there are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lab.stats.signed_rank import Array, upper

TRIES = 64  # resampled futures of each length
SURE = 0.8  # the share of them that must decide
MOST = 640  # rounds; nobody should plan for more on the word of a few


def further(
    differences: Array,
    *,
    margin: float,
    error: float,
    seed: int,
    level: Callable[[float, int], float],
) -> int | None:
    """How many rounds more until four in five futures like these rounds are decided.

    ``differences`` and ``margin`` are logarithms. ``level`` gives of a one-sided error and a number
    of rounds the p-value that decides then. None where more than `MOST` rounds would not do, or
    where a single round shows no spread to judge by.
    """
    count = len(differences)
    if count < 2:
        return None
    draw = np.random.default_rng(seed)
    least = math.ceil(1 - math.log2(error))  # fewer have no p-value that is small enough
    total = max(count + 1, least)
    while total <= MOST:
        levels = level(error / 2, total), level(error, total)
        if _decided(differences, total, margin, levels, draw) >= SURE:
            return total - count
        total = math.ceil(total * 1.25)
    return None


def _decided(
    differences: Array,
    total: int,
    margin: float,
    levels: tuple[float, float],
    draw: np.random.Generator,
) -> float:
    """The share of resampled futures with ``total`` rounds in which one of the tests decides.

    ``levels`` are of a difference, one-sided, and of being the same.
    """
    new = total - len(differences)
    drawn = draw.choice(differences, size=(TRIES, new))
    futures = np.concatenate([np.broadcast_to(differences, (TRIES, len(differences))), drawn], 1)
    above, below = (_p(sign * futures) for sign in (1, -1))
    low, high = (_p(sign * futures + margin) for sign in (1, -1))
    found = (np.minimum(above, below) <= levels[0]) | (np.maximum(low, high) <= levels[1])
    return float(found.mean())


def _p(series: Array) -> Array:
    """One-sided signed-rank p-values by ranks, which are quicker than Walsh averages are."""
    ranks = np.argsort(np.argsort(np.abs(series), axis=1), axis=1) + 1
    return upper((ranks * (series > 0)).sum(axis=1), series.shape[1])
