"""How many more rounds a comparison would take, by resampling the rounds there are."""

from __future__ import annotations

import math

import numpy as np

from lab.results.stats import sequential
from lab.results.stats.signed_rank import Array, upper

TRIES = 64  # resampled futures of each length
SURE = 0.8  # the share of them that must decide
MOST = 640  # rounds; nobody should plan for more on the word of a few


def further(
    differences: Array,
    *,
    margin: float,
    error: float,
    seed: int,
    looks: tuple[int, int] | None,
) -> int | None:
    """How many rounds more until four in five futures like these rounds are decided.

    ``differences`` and ``margin`` are logarithms. ``looks`` are the first and the last round with
    an interim analysis, None without any. None where more than `MOST` rounds would not do,
    or where a single round shows no spread to judge by.
    """
    count = len(differences)
    if count < 2:
        return None
    draw = np.random.default_rng(seed)
    # Fewer have no signed-rank p-value that is small enough.
    least = math.ceil(1 - math.log2(error)) if looks is None else looks[0]
    total = max(count + 1, least)
    while total <= MOST:
        if _decided(differences, total, margin, error, looks, draw) >= SURE:
            return total - count
        total = math.ceil(total * 1.25)
    return None


def _decided(
    differences: Array,
    total: int,
    margin: float,
    error: float,
    looks: tuple[int, int] | None,
    draw: np.random.Generator,
) -> float:
    """The share of resampled futures with ``total`` rounds in which one of the tests decides."""
    new = total - len(differences)
    drawn = draw.choice(differences, size=(TRIES, new))
    futures = np.concatenate([np.broadcast_to(differences, (TRIES, len(differences))), drawn], 1)
    early = looks is not None and total <= sequential.EARLY
    test = _by_t_tests if early else _by_ranks
    above, below = test(futures)
    low, _ = test(futures + margin)
    _, high = test(futures - margin)
    differ, same = (
        one * (1 + 1e-9) if looks is None else sequential.level(one, total, *looks)
        for one in (error / 2, error)
    )
    found = (np.minimum(above, below) <= differ) | (np.maximum(low, high) <= same)
    return float(found.mean())


def _by_t_tests(series: Array) -> tuple[Array, Array]:
    """One-sided p-values: that the series lies above zero, and below it."""
    above, below = (sequential.t_tests(sign * series, 0.0)[:, -1] for sign in (1, -1))
    return np.asarray(above), np.asarray(below)


def _by_ranks(series: Array) -> tuple[Array, Array]:
    """The same by signed ranks, which are quicker than Walsh averages are."""
    count = series.shape[1]
    by_size = np.take_along_axis(series, np.argsort(np.abs(series), axis=1), axis=1)
    above, below = (
        np.where(sign * by_size > 0, np.arange(1, count + 1), 0).sum(axis=1) for sign in (1, -1)
    )
    return upper(above, count), upper(below, count)
