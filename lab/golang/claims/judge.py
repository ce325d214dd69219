"""What an outcome says of a claim. Pure: samples and the claim in, an answer out.

Differences are judged by the lab's one rule (stats.compare_paired, on pairs of the same round). A
claimed difference is reproduced where the verdict is the claimed one, of the claimed size give or
take ``within``; contradicted where the whole interval is on the other side of what is called the
same; a claimed equality is reproduced by the test of equivalence only. Medians have intervals that
hold the true one with at least 95 % confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from lab.golang.bench.outcome import Outcome, Series
from lab.golang.claims.file_schema import Expect
from lab.model import units
from lab.results import stats
from lab.results.stats import MARGIN, Comparison, Verdict


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
        return _cannot(expect, lacking, outcome)
    if expect.kind == "needs":
        return _cannot(expect, "the lab has no experiment for it", outcome)
    if expect.fact is not None:
        return _fact(expect, outcome)
    names = expect.order or [name for name in (expect.series, expect.against) if name]
    for name in names:
        if name not in outcome.series:
            return _cannot(expect, why_missing(name, outcome), outcome)
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
    equal = abs(math.log(claimed)) <= math.log1p(MARGIN)
    found = stats.compare_paired(pairs, margin=expect.within if equal else expect.margin)
    if found is None or found.interval is None:
        return _cannot(expect, f"{len(pairs)} pairs are too few for an interval", outcome)
    if equal:
        answer = Answer.REPRODUCED if found.verdict is Verdict.SAME else Answer.NOT_REPRODUCED
        if _beyond(found, Verdict.FASTER) or _beyond(found, Verdict.SLOWER):
            answer = Answer.CONTRADICTED
    else:
        answer = _direction(found, Verdict.FASTER if claimed < 1 else Verdict.SLOWER)
        # A claim of more is one of less the other way round: sizes are compared on logarithms.
        size = abs(math.log(found.ratio / claimed))
        if answer is Answer.REPRODUCED and size > -math.log1p(-min(expect.within, 0.999)):
            answer = Answer.NOT_REPRODUCED
    low, high = found.interval
    said = f"{found.ratio:.3f} ({low:.3f} to {high:.3f}, {found.count} pairs): {_word(found)}"
    return Finding(
        part=expect.part,
        answer=answer,
        claimed=_claimed(expect, outcome),
        measured=f"ratio {said}; {_median(one)} against {_median(other)}",
        count=found.count,
        interval=found.interval,
    )


def _word(found: Comparison) -> str:
    """A verdict in words; a sure difference that counts for none is named apart."""
    if found.verdict is Verdict.SAME:
        return f"same within {units.percent(found.margin)}"
    little = abs(math.log(found.ratio)) <= math.log1p(found.margin)
    if found.verdict is not Verdict.UNDECIDED and little:
        return f"{found.verdict} by less than {units.percent(found.margin)}"
    return found.verdict


def _direction(found: Comparison, claimed: Verdict) -> Answer:
    """What a comparison says of a claim that one is faster, or slower, whatever by how much."""
    if _beyond(found, Verdict.SLOWER if claimed is Verdict.FASTER else Verdict.FASTER):
        return Answer.CONTRADICTED
    enough = abs(math.log(found.ratio)) > math.log1p(found.margin)
    return Answer.REPRODUCED if found.verdict is claimed and enough else Answer.NOT_REPRODUCED


def _beyond(found: Comparison, verdict: Verdict) -> bool:
    """Whether all of the interval is further out, on one side, than what is called the same."""
    if found.interval is None or found.verdict is not verdict:
        return False
    low, high = found.interval
    if verdict is Verdict.FASTER:
        return high < 1 / (1 + found.margin)
    return low > 1 + found.margin


def _order(expect: Expect, outcome: Outcome) -> Finding:
    """Each series in turn lower than the next, round by round.

    All of them have to hold, so each may be tested for itself: no correction for their number.
    """
    answers, said, counts, intervals = [], [], [], []
    names, _ = _short(expect.order)
    for (name, lower), (next_name, higher) in pairwise(zip(names, expect.order, strict=True)):
        one, other = outcome.series[lower], outcome.series[higher]
        pairs = list(zip(one.samples, other.samples, strict=False))
        found = stats.compare_paired(pairs, margin=expect.margin)
        if found is None or found.interval is None:
            return _cannot(expect, f"{len(pairs)} pairs are too few for an interval", outcome)
        answers.append(_direction(found, Verdict.FASTER))
        counts.append(found.count)
        intervals.append(found.interval)
        low, high = found.interval
        ratio = f"{found.ratio:.3f} times {next_name} ({low:.3f} to {high:.3f})"
        said.append(f"{name} {ratio}: {_word(found)}, {_median(one)} against {_median(other)}")
    gravest = min(range(len(answers)), key=lambda place: list(Answer).index(answers[place]))
    return Finding(
        part=expect.part,
        answer=answers[gravest],
        claimed=_claimed(expect, outcome),
        measured=f"{'; '.join(said)}; {min(counts)} pairs",
        count=min(counts),
        interval=intervals[gravest],  # of the ratio that the answer is of
    )


def _claimed(expect: Expect, outcome: Outcome) -> str:
    """What a part says, in words; in the unit of what was measured, where it was."""
    series = outcome.series.get(str(expect.series))
    shown = series.shown if series else "{:g}".format
    give = f", give or take {units.percent(expect.within)}"
    if expect.ratio is not None:
        (one, other), rest = _short([str(expect.series), str(expect.against)])
        return f"{one} {expect.ratio:.3g} times {other}{rest}{give}"
    if expect.value is not None:
        exact = series is not None and series.unit == "count"
        return shown(expect.value) + ("" if exact else give)
    if expect.at_least is not None:
        return f"at least {shown(expect.at_least)}"
    if expect.at_most is not None:
        return f"at most {shown(expect.at_most)}"
    if expect.fact is not None:
        return f"{expect.fact}: {expect.equals}"
    names, rest = _short(expect.order)
    return " < ".join(names) + rest if names else expect.part


def _short(names: Sequence[str]) -> tuple[list[str], str]:
    """Names of series by their first parts where the rest is the same; that rest in brackets."""
    rests = {name.partition("/")[2] for name in names}
    if len(rests) == 1 and (rest := rests.pop()):
        return [name.partition("/")[0] for name in names], f" ({rest})"
    return list(names), ""


def _level(expect: Expect, outcome: Outcome) -> Finding:
    """A median held against a value, or against a limit."""
    series = outcome.series[str(expect.series)]
    short = stats.summary(series.samples)
    if short is None:
        return _cannot(expect, "no samples", outcome)
    # What is counted, not timed, and is the same at every sample needs no interval.
    exact = series.unit != "s" and short.low == short.high
    interval = (short.low, short.high) if exact else short.interval
    if interval is None:
        return _cannot(expect, f"{short.count} samples are too few for an interval", outcome)
    low, high = interval
    if expect.value is not None:
        ends = sorted((expect.value * (1 - expect.within), expect.value * (1 + expect.within)))
        # The median itself, not the interval alone: a wide one would meet every claim.
        meets = ends[0] <= short.median <= ends[1]
        answer = Answer.REPRODUCED if meets else Answer.NOT_REPRODUCED
        if exact and not meets:
            answer = Answer.CONTRADICTED  # a count is no matter of the machine's speed
    else:
        least = expect.at_least is not None
        limit = expect.at_least if expect.at_least is not None else expect.at_most or 0.0
        holds, broken = (low >= limit, high < limit) if least else (high <= limit, low > limit)
        answer = Answer.REPRODUCED if holds else Answer.NOT_REPRODUCED
        if broken:
            answer = Answer.CONTRADICTED
    return Finding(
        part=expect.part,
        answer=answer,
        claimed=_claimed(expect, outcome),
        measured=_shown(str(expect.series), series),
        count=short.count,
        interval=interval,
    )


def _fact(expect: Expect, outcome: Outcome) -> Finding:
    found = outcome.facts.get(str(expect.fact))
    if found is None:
        return _cannot(expect, why_missing(str(expect.fact), outcome), outcome)
    said = str(found).lower() if isinstance(found, bool) else str(found)
    return Finding(
        part=expect.part,
        answer=Answer.REPRODUCED if said == expect.equals else Answer.CONTRADICTED,
        claimed=_claimed(expect, outcome),
        measured=f"{expect.fact}: {said}",
        count=1,
    )


def _cannot(expect: Expect, why: str, outcome: Outcome) -> Finding:
    claimed = _claimed(expect, outcome)
    return Finding(part=expect.part, answer=Answer.CANNOT, claimed=claimed, measured=why)


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
