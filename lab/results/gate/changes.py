"""A rule's figures of both sides -> the change, by the comparison that serves every verdict.

Whatever the rule, the candidate is compared with what the rule allows: the baseline's figure times
or plus the change that matters, or the limit itself. Worse is then a ratio beyond 1, and
`lab.results.stats` decides relative, absolute and limit alike: rounds that ran in turn by their
pairs (signed-rank), rounds of two runs as two samples (Mann and Whitney).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.results import stats
from lab.results.gate.policy import COUNTED, COUNTED_UNITS, Rule

Interval = tuple[float, float]
Figures = Mapping[int, float]  # round -> figure
NONE = 1e-9  # being about as bad as is allowed decides nothing
Method = Literal["paired", "two samples", "against the limit", "counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is known of a change, in the terms of its rule: a ratio, a difference, or a figure.

    ``needed_rounds`` is how many more would decide on which side of the bound it is; None where
    that is decided or cannot be estimated. ``method`` says how it was found.
    """

    value: float
    interval: Interval | None
    count: int
    method: Method
    needed_rounds: int | None = None


def change(
    rule: Rule,
    baseline: Figures,
    candidate: Figures,
    confidence: float,
    *,
    paired: bool,
    forecast: bool = True,
) -> Change | None:
    """The change between two sides that have figures; None where paired ones share no round.

    Raises ZeroDivisionError where it is relative to a baseline of 0.
    """
    old, new = list(baseline.values()), list(candidate.values())
    middle = statistics.median(old) if old else 0.0
    if _counted(rule) and len({*new}) == 1 and (rule.kind == "limit" or len({*old}) == 1):
        value = _in_terms(rule, new[0], middle)
        return Change(value=value, interval=(value, value), count=len(new), method="counted")
    # What shares of 0 and the like have no logarithm is lifted on both sides alike.
    lowest = min([*new, *_allowed(rule, old)])
    lift = 0.0 if lowest > 0 else 1.0 - lowest
    method, found = _compared(
        rule, baseline, candidate, lift, max(confidence, 0.0), paired=paired, forecast=forecast
    )
    if found is None:
        return None
    (bound,) = _allowed(rule, [middle])

    def in_terms(ratio: float) -> float:
        return _in_terms(rule, ratio * (bound + lift) - lift, middle)

    return Change(
        value=in_terms(found.ratio),
        interval=None
        if found.interval is None
        else (in_terms(found.interval[0]), in_terms(found.interval[1])),
        count=found.count,
        method=method,
        needed_rounds=found.needed_rounds,
    )


def _compared(
    rule: Rule,
    baseline: Figures,
    candidate: Figures,
    lift: float,
    confidence: float,
    *,
    paired: bool,
    forecast: bool,
) -> tuple[Method, stats.Comparison | None]:
    """The candidate against what is allowed, all of it ``lift`` higher."""
    if rule.kind == "limit":
        pairs = [(value + lift, rule.amount + lift) for value in candidate.values()]
    else:
        pairs = [
            (candidate[at] + lift, _allowed(rule, [baseline[at]])[0] + lift)
            for at in sorted(candidate)
            if at in baseline
        ]
        if not paired:
            allowed = [value + lift for value in _allowed(rule, baseline.values())]
            these = [value + lift for value in candidate.values()]
            return "two samples", stats.compare_unpaired(these, allowed, confidence=confidence)
    found = stats.compare_paired(pairs, margin=NONE, confidence=confidence, forecast=forecast)
    return "against the limit" if rule.kind == "limit" else "paired", found


def bound(rule: Rule) -> float:
    """Where the change becomes too bad, in the terms of the rule."""
    sign = -1 if rule.more_is_better else 1
    if rule.kind == "limit":
        return rule.amount
    return sign * rule.amount + (1 if rule.kind == "relative" else 0)


def _allowed(rule: Rule, baseline: Iterable[float]) -> list[float]:
    """The figures that a candidate may have beside these of the baseline."""
    match rule.kind:
        case "limit":
            return [rule.amount for _ in baseline]
        case "absolute":
            return [value + bound(rule) for value in baseline]
        case "relative":
            return [value * bound(rule) for value in baseline]


def _in_terms(rule: Rule, figure: float, baseline: float) -> float:
    """A candidate's figure in the terms of the rule, beside the baseline's."""
    match rule.kind:
        case "limit":
            return figure
        case "absolute":
            return figure - baseline
        case "relative":
            return 1.0 if figure == baseline == 0 else figure / baseline


def _counted(rule: Rule) -> bool:
    return rule.metric in COUNTED or (rule.metric == "go_benchmark" and rule.unit in COUNTED_UNITS)
