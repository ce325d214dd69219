"""Two sets of times and what may be said of their ratio. Pure; no clock.

Everything is done on logarithms: a machine that slows down multiplies times. Two questions are
asked apart, each with its own error rate: do they differ (signed-rank test of a ratio of 1), and
are they the same within a margin (two one-sided tests, Schuirmann, J. Pharmacokinet. Biopharm. 15,
1987)? What neither answers is undecided. benchmarks/verdicts.py shows how often that errs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from lab.results.stats.samples import CONFIDENCE

if TYPE_CHECKING:
    from lab.results.stats.signed_rank import Array

MARGIN = 0.05  # what is called the same, where nobody says


class Verdict(StrEnum):
    """What may be said of a ratio to the baseline."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Looks:
    """The rounds with an interim analysis, done or to come: each from ``first`` to ``last``."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A ratio of times to the baseline's times, and the verdict on it.

    ``interval`` holds the true ratio with ``confidence``; None where there are too few pairs for
    one. ``p_value`` is of "they do not differ", ``same_p_value`` of "they differ by more than
    ``margin``" (0.05: within 5 %). ``needed_rounds`` is how many more it would take to decide, None
    where decided or where it cannot be estimated.
    """

    ratio: float
    interval: tuple[float, float] | None
    p_value: float
    same_p_value: float
    verdict: Verdict
    count: int
    margin: float
    confidence: float
    needed_rounds: int | None = None


def compare_paired(
    pairs: Sequence[tuple[float, float]],
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
    seed: int = 1,
    looks: Looks | None = None,
    questions: int = 1,
    forecast: bool = True,
) -> Comparison | None:
    """Compare (candidate, baseline) pairs of the same round, in the order of their rounds.

    ``looks`` are the interim analyses while the rounds went on: p-values are adjusted for them.
    ``seed`` is of the resampling behind ``needed_rounds``, which takes into account that
    `corrected` shares the error among so many ``questions``; ``forecast`` says whether that is
    wanted at all.
    None where no pair is of positive numbers.
    """
    import numpy as np

    from lab.results.stats import sequential, signed_rank

    found = np.array(
        [math.log(one) - math.log(base) for one, base in pairs if one > 0 and base > 0]
    )
    if not len(found):
        return None
    p_value, same = _p_values(found, math.log1p(margin), looks)
    centre = signed_rank.centre(found)
    if looks is None:
        interval = signed_rank.interval(found, confidence)
    else:
        last = max(looks.last, len(found))
        rest = sequential.interval_error(1 - confidence, len(found), last)
        interval = sequential.interval(found, 1 - rest)
    comparison = Comparison(
        ratio=math.exp(centre),
        interval=None if interval is None else (math.exp(interval[0]), math.exp(interval[1])),
        p_value=p_value,
        same_p_value=same,
        verdict=_verdict(p_value, same, centre, confidence),
        count=len(found),
        margin=margin,
        confidence=confidence,
    )
    error = (1 - confidence) / questions
    if not forecast or _verdict(p_value, same, centre, 1 - error) is not Verdict.UNDECIDED:
        return comparison
    from lab.results.stats.forecast import further

    needed = further(
        found,
        margin=math.log1p(margin),
        error=error,
        seed=seed,
        looks=None if looks is None else (looks.first, looks.last),
    )
    return replace(comparison, needed_rounds=needed)


def compare_unpaired(
    candidate: Sequence[float],
    baseline: Sequence[float],
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
) -> Comparison | None:
    """Compare samples that share no rounds, such as two runs on different days.

    The test is that of Mann and Whitney, with the shift of Hodges and Lehmann. None where one side
    has no positive number.
    """
    return compare_logarithms(
        logarithms(candidate), logarithms(baseline), margin=margin, confidence=confidence
    )


def logarithms(values: Sequence[float]) -> Array:
    """Of those that are positive."""
    import numpy as np

    return np.array([math.log(one) for one in values if one > 0])


def compare_logarithms(
    these: Array, others: Array, *, margin: float = MARGIN, confidence: float = CONFIDENCE
) -> Comparison | None:
    """`compare_unpaired` of a candidate's and a baseline's logarithms, where those serve often."""
    from lab.results.stats import rank_sum

    if not len(these) or not len(others):
        return None
    limit = math.log1p(margin)
    above = rank_sum.one_sided(these, others, 0.0)
    below = rank_sum.one_sided(others, these, 0.0)
    p_value = min(2 * min(above, below), 1.0)
    same = max(rank_sum.one_sided(these, others, -limit), rank_sum.one_sided(others, these, -limit))
    shift, interval = rank_sum.shift(these, others, confidence)
    return Comparison(
        ratio=math.exp(shift),
        interval=None if interval is None else (math.exp(interval[0]), math.exp(interval[1])),
        p_value=p_value,
        same_p_value=same,
        verdict=_verdict(p_value, same, shift, confidence),
        count=min(len(these), len(others)),
        margin=margin,
        confidence=confidence,
    )


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same with p-values corrected for their number, so that all verdicts hold together.

    By Holm (Scand. J. Stat. 6, 1979): among all of them the chance of a single wrong "faster" or
    "slower" stays at most 1 - confidence, and so does that of a single wrong "same". It holds for
    p-values of looks as well (Maurer and Bretz, Stat. Biopharm. Res. 5, 2013).
    """
    differ = holm([one.p_value for one in comparisons])
    same = holm([one.same_p_value for one in comparisons])
    return tuple(
        _with(one, p_value, same_p_value)
        for one, p_value, same_p_value in zip(comparisons, differ, same, strict=True)
    )


def _with(one: Comparison, p_value: float, same_p_value: float) -> Comparison:
    verdict = _verdict(p_value, same_p_value, math.log(one.ratio), one.confidence)
    needed = one.needed_rounds if verdict is Verdict.UNDECIDED else None
    return replace(
        one, p_value=p_value, same_p_value=same_p_value, verdict=verdict, needed_rounds=needed
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the order given."""
    found, least = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min((len(p_values) - place) * p_values[index], 1.0))
        found[index] = least
    return found


def _p_values(differences: Array, limit: float, looks: Looks | None) -> tuple[float, float]:
    """Of "no difference" (two-sided), and of "a difference beyond the limit"."""
    from lab.results.stats import signed_rank

    count = len(differences)
    if looks is None or count < looks.first:
        above = signed_rank.one_sided(differences, 0.0)
        below = signed_rank.one_sided(-differences, 0.0)
        inside = max(
            signed_rank.one_sided(differences, -limit), signed_rank.one_sided(-differences, -limit)
        )
        return min(2 * min(above, below), 1.0), inside
    from lab.results.stats import sequential

    # Rounds that were appended count as if they had been planned.
    found = sequential.p_values(differences, limit, looks.first, max(looks.last, count))[:, -1]
    return min(2 * float(found[:2].min()), 1.0), float(found[2])


def _verdict(p_value: float, same: float, centre: float, confidence: float) -> Verdict:
    error = (1 - confidence) * (1 + 1e-9)  # 1 - 0.95 is a little more than 0.05
    if same <= error:
        return Verdict.SAME
    if p_value <= error and centre:
        return Verdict.SLOWER if centre > 0 else Verdict.FASTER
    return Verdict.UNDECIDED
