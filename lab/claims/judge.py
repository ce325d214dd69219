"""What an outcome says of a claim. Pure: samples and the claim in, an answer out.

An interval holds the true median with at least 95 % confidence (lab.stats). A claimed difference
is reproduced where the interval leaves 1 out by more than MARGIN on the claimed side and the median
is of the claimed size give or take ``within``; contradicted where it lies wholly on the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab import stats
from lab.bench.outcome import Outcome, Series
from lab.claims.types import Expect

MARGIN = 0.02


class Answer(StrEnum):
    """What can be said of a claim, the gravest first."""

    CONTRADICTED = "contradicted"
    NOT_REPRODUCED = "not reproduced"
    REPRODUCED = "reproduced"
    CANNOT = "cannot be tested here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one part. ``measured`` says what was seen, or why nothing could be.

    ``count`` is of samples or pairs; ``interval`` is in the unit of what was measured.
    """

    part: str
    answer: Answer
    claimed: str
    measured: str
    count: int = 0
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def overall(findings: Sequence[Finding]) -> Answer:
    """A claim's answer: the gravest of its parts that could be tested."""
    said = {finding.answer for finding in findings}
    return next((answer for answer in Answer if answer in said), Answer.CANNOT)


def judge(expect: Expect, outcome: Outcome, lacking: str | None) -> Finding:
    """Hold one part against an outcome. ``lacking`` says what the host has not that it needs."""
    if lacking is not None:
        return _cannot(expect, lacking)
    if expect.kind == "needs":
        return _cannot(expect, "the lab has no experiment for it")
    if expect.fact is not None:
        return _fact(expect, outcome)
    names = expect.order or [name for name in (expect.series, expect.against) if name]
    for name in names:
        if name not in outcome.series:
            return _cannot(expect, why_missing(name, outcome))
    kinds: Mapping[str, Callable[[Expect, Outcome], Finding]] = {
        "ratio": _ratio,
        "order": _order,
    }
    return kinds.get(expect.kind, _level)(expect, outcome)


def why_missing(name: str, outcome: Outcome) -> str:
    """Why an outcome has no series of a name: the reason nearest to it."""
    for key, why in outcome.missing.items():
        if name.startswith(key) or f"/{key}" in name:
            return why
    return f"the experiment gave no {name}"


def _ratio(expect: Expect, outcome: Outcome) -> Finding:
    claimed = expect.ratio or 1.0
    one, other = outcome.series[str(expect.series)], outcome.series[str(expect.against)]
    pairs = list(zip(one.samples, other.samples, strict=False))
    found = stats.ratios(pairs)
    text = f"{claimed:.3g} times {expect.against}"
    if found is None or found.interval is None:
        return _cannot(expect, f"{len(pairs)} pairs are too few for an interval")
    low, high = found.interval
    if abs(claimed - 1) <= MARGIN:
        near = 1 - expect.within <= low and high <= 1 + expect.within
        answer = Answer.REPRODUCED if near else Answer.NOT_REPRODUCED
    else:
        # A claim of more is one of less the other way round.
        down = claimed < 1
        less = (low, high) if down else (1 / high, 1 / low)
        middle = found.median if down else 1 / found.median
        size = claimed if claimed < 1 else 1 / claimed
        if less[0] > 1 + MARGIN:
            answer = Answer.CONTRADICTED
        elif less[1] < 1 - MARGIN and abs(middle / size - 1) <= expect.within:
            answer = Answer.REPRODUCED
        else:
            answer = Answer.NOT_REPRODUCED
    said = f"{found.median:.3f} ({low:.3f} to {high:.3f}, {found.count} pairs)"
    return Finding(
        part=expect.part,
        answer=answer,
        claimed=text,
        measured=f"ratio {said}; {_median(one)} against {_median(other)}",
        count=found.count,
        interval=found.interval,
    )


def _order(expect: Expect, outcome: Outcome) -> Finding:
    """Each series in turn lower than the next. Only intervals that do not meet decide."""
    short = {name: stats.summary(outcome.series[name].samples) for name in expect.order}
    intervals = {name: one.interval if one else None for name, one in short.items()}
    if any(interval is None for interval in intervals.values()):
        return _cannot(expect, "too few samples for an interval")
    answer = Answer.REPRODUCED
    for lower, higher in zip(expect.order, expect.order[1:], strict=False):
        one, other = intervals[lower], intervals[higher]
        if one is None or other is None:
            continue
        if one[0] > other[1]:
            answer = Answer.CONTRADICTED
            break
        if one[1] >= other[0]:
            answer = Answer.NOT_REPRODUCED
    shown = [_shown(name, outcome.series[name]) for name in expect.order]
    return Finding(
        part=expect.part,
        answer=answer,
        claimed=" < ".join(expect.order),
        measured="; ".join(shown),
        count=min(one.count for one in short.values() if one),
    )


def _level(expect: Expect, outcome: Outcome) -> Finding:
    """A median held against a value, or against a limit."""
    series = outcome.series[str(expect.series)]
    short = stats.summary(series.samples)
    if short is None:
        return _cannot(expect, "no samples")
    # What is counted, not timed, and is the same at every sample needs no interval.
    exact = series.unit != "s" and short.low == short.high
    interval = (short.low, short.high) if exact else short.interval
    if interval is None:
        return _cannot(expect, f"{short.count} samples are too few for an interval")
    low, high = interval
    if expect.value is not None:
        ends = sorted((expect.value * (1 - expect.within), expect.value * (1 + expect.within)))
        # The median itself, not the interval alone: a wide one would meet every claim.
        meets = ends[0] <= short.median <= ends[1]
        answer = Answer.REPRODUCED if meets else Answer.NOT_REPRODUCED
        if exact and not meets:
            answer = Answer.CONTRADICTED  # a count is no matter of the machine's speed
        text = f"{series.shown(expect.value)}, give or take {expect.within:.0%}"
    else:
        least = expect.at_least is not None
        limit = expect.at_least if expect.at_least is not None else expect.at_most or 0.0
        holds, broken = (low >= limit, high < limit) if least else (high <= limit, low > limit)
        answer = Answer.REPRODUCED if holds else Answer.NOT_REPRODUCED
        if broken:
            answer = Answer.CONTRADICTED
        text = f"{'at least' if least else 'at most'} {series.shown(limit)}"
    return Finding(
        part=expect.part,
        answer=answer,
        claimed=text,
        measured=_shown(str(expect.series), series),
        count=short.count,
        interval=interval,
    )


def _fact(expect: Expect, outcome: Outcome) -> Finding:
    found = outcome.facts.get(str(expect.fact))
    if found is None:
        return _cannot(expect, why_missing(str(expect.fact), outcome))
    said = str(found).lower() if isinstance(found, bool) else str(found)
    return Finding(
        part=expect.part,
        answer=Answer.REPRODUCED if said == expect.equals else Answer.CONTRADICTED,
        claimed=f"{expect.fact}: {expect.equals}",
        measured=f"{expect.fact}: {said}",
        count=1,
    )


def _cannot(expect: Expect, why: str) -> Finding:
    text = expect.part if expect.kind == "needs" else f"{expect.kind}"
    return Finding(part=expect.part, answer=Answer.CANNOT, claimed=text, measured=why)


def _median(series: Series) -> str:
    short = stats.summary(series.samples)
    return series.shown(short.median if short else None)


def _shown(name: str, series: Series) -> str:
    short = stats.summary(series.samples)
    if short is None:
        return name
    between = (
        f"{series.shown(short.interval[0])} to {series.shown(short.interval[1])}, "
        if short.interval
        else ""
    )
    return f"{name} {series.shown(short.median)} ({between}n {short.count})"
