"""How much a cell differs from itself, and what a comparison could see through that. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.results.stats.samples import CONFIDENCE

if TYPE_CHECKING:
    from lab.results.stats.signed_rank import Array

TRIES = 1000
POWER = 0.9  # of the tries must tell a difference for it to count as seen
LARGEST = math.log(4.0)  # a difference that takes more than this is not looked for
STEPS = 14  # of halving: the answer is then known to 0.01 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What pairs of builds of the same cell tell.

    ``spread`` is the standard deviation of one build's logarithm, about its relative noise.
    ``visible`` gives for a number of rounds the smallest slow-down (0.05: 5 %) that is detected in
    nine of ten tries; None where even a fourfold one is not. ``false_alarms`` is the share of
    ``tries`` comparisons of the cell with itself, in ``rounds`` rounds, that called a difference.
    """

    count: int
    spread: float
    visible: tuple[tuple[int, float | None], ...]
    false_alarms: float
    tries: int
    rounds: int
    confidence: float


def noise(
    pairs: Sequence[tuple[float, float]],
    *,
    rounds: Sequence[int] = (10, 20, 30),
    confidence: float = CONFIDENCE,
    seed: int = 1,
) -> Noise | None:
    """Noise out of pairs of neighbouring builds of one cell; None with fewer than two pairs.

    Which of a pair is called the candidate is drawn by ``seed``, as a run's own order draws it;
    series of any length are drawn from the pairs with replacement.
    """
    import numpy as np

    found = np.array([math.log(one / other) for one, other in pairs if one > 0 and other > 0])
    if len(found) < 2:
        return None
    draw = np.random.default_rng(seed)
    most = max(rounds)
    signs = draw.choice([-1.0, 1.0], size=(TRIES, most))
    series = draw.choice(found, size=(TRIES, most)) * signs
    error = 1 - confidence
    alarms = _told(series, error) + _told(-series, error)  # never both of a series
    return Noise(
        count=len(found),
        spread=float(np.sqrt(np.mean(found**2) / 2)),
        visible=tuple((count, _smallest(series[:, :count], error)) for count in rounds),
        false_alarms=float(np.mean(alarms)),
        tries=TRIES,
        rounds=most,
        confidence=confidence,
    )


def _smallest(series: Array, error: float) -> float | None:
    low, high = 0.0, LARGEST
    if float(_told(series + high, error).mean()) < POWER:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        if float(_told(series + middle, error).mean()) < POWER:
            low = middle
        else:
            high = middle
    return math.expm1(high)


def _told(series: Array, error: float) -> Array:
    """1 for each series that a two-sided test with this error calls slower, else 0."""
    from lab.results.stats import signed_rank

    values = signed_rank.upper(signed_rank.statistics(series)[..., -1], series.shape[-1])
    return (2 * values <= error).astype(float)
