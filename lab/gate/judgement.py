"""A rule and the figures of both sides -> pass, fail, or cannot tell. Pure.

A rule states the change that matters. With the certainty asked for, "fail" says that the true
change is worse than that, "pass" that it is not; an interval that holds the change that matters
says neither. Each is a one-sided statement, so its interval has twice the error.

All rules and subjects must pass, so each may use the whole error (an intersection-union test,
Berger 1982); one alone makes the gate fail, so that error is shared out among them (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lab import stats
from lab.gate.figures import figures
from lab.gate.policy import COUNTED, Policy, Rule
from lab.gate.sides import Side

Interval = tuple[float, float]
Pair = tuple[float, float]


class Outcome(StrEnum):
    """What a gate may answer."""

    PASS = "pass"  # noqa: S105 - it is no password
    FAIL = "fail"
    UNTOLD = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule about one subject.

    ``change`` is what the limit is about: a ratio to the baseline (relative), a difference
    (absolute) or the candidate's own figure (limit); ``interval`` holds it, ``bound`` is where it
    becomes too bad. ``reason`` says why nothing can be told, or what confirmed a failure.
    """

    rule: Rule
    subject: str
    outcome: Outcome
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    interval: Interval | None = None
    bound: float | None = None
    count: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a gate says of a candidate. ``outcome`` is what the policy makes of the findings."""

    policy: Policy
    baseline: str
    candidate: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> Outcome:
        """The worst of the findings."""
        found = {finding.outcome for finding in self.findings}
        if Outcome.FAIL in found:
            return Outcome.FAIL
        return Outcome.UNTOLD if Outcome.UNTOLD in found or not found else Outcome.PASS

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings, "cannot tell" counted as the policy says."""
        counted = {"pass": Outcome.PASS, "fail": Outcome.FAIL, "report": Outcome.UNTOLD}
        return counted[self.policy.cannot_tell] if self.told is Outcome.UNTOLD else self.told


def judge(baseline: Side, candidate: Side, policy: Policy, notes: Sequence[str] = ()) -> Judgement:
    """Judge a candidate by a policy. Both sides were found fit to be compared (lab.gate.sides)."""
    questions: list[tuple[Rule, str, Mapping[int, float], Mapping[int, float]]] = []
    findings: list[Finding] = []
    more = list(notes)
    for rule in policy.rules:
        old = figures(rule, baseline, degraded=policy.degraded)
        new = figures(rule, candidate, degraded=policy.degraded)
        subjects = dict.fromkeys([*(old if rule.kind != "limit" else ()), *new])
        if not subjects:
            why = f"nobody measured {rule.metric}: no figure of it is on either side"
            findings.append(_untold(rule, why))
        for subject in subjects:
            if subject not in old and rule.kind != "limit":
                more.append(f"{subject}: new in the candidate, {rule.metric} was not judged")
            else:
                questions.append((rule, subject, old.get(subject, {}), new.get(subject, {})))
    count = len(questions)
    findings += [
        answer(rule, subject, old, new, questions=count) for rule, subject, old, new in questions
    ]
    findings += _failed_builds(candidate, policy)
    return Judgement(
        policy=policy,
        baseline=baseline.name,
        candidate=candidate.name,
        findings=tuple(findings),
        notes=tuple(more),
    )


def _untold(rule: Rule, why: str) -> Finding:
    return Finding(rule=rule, subject=f"{rule.metric}", outcome=Outcome.UNTOLD, reason=why)


def _failed_builds(candidate: Side, policy: Policy) -> list[Finding]:
    """A candidate that cannot be built is worse, whatever the policy looks at."""
    bad = [build for build in candidate.builds if build.status in {"failed", "engine-lost"}]
    return (
        [
            Finding(
                rule=policy.rules[0],
                subject=f"{len(bad)} of {len(candidate.builds)} builds of the candidate",
                outcome=Outcome.FAIL,
                reason=f"they failed, the first: {bad[0].id}: {bad[0].reason}",
            )
        ]
        if bad
        else []
    )


def answer(
    rule: Rule,
    subject: str,
    baseline: Mapping[int, float],
    candidate: Mapping[int, float],
    *,
    questions: int = 1,
) -> Finding:
    """One rule about one subject; ``questions`` is how many the gate asks in all."""
    old, new = list(baseline.values()), list(candidate.values())
    empty = Finding(
        rule=rule,
        subject=subject,
        outcome=Outcome.UNTOLD,
        baseline=_median(old),
        bound=_bound(rule),
    )
    if not new:
        return replace(empty, reason="the candidate has no figure of it")
    change = _change(rule, _pairs(baseline, candidate), new)
    if not change:
        zero = "the baseline is 0: no relative change can be told"
        return replace(empty, reason=zero if change is None else "no round in common")
    finding = replace(empty, candidate=_median(new), change=_median(change), count=len(change))
    error = 1 - rule.certainty
    alone, shared = (interval(rule, change, 1 - 2 * part) for part in (error, error / questions))
    if shared is not None and _worse(rule, shared):
        return replace(finding, outcome=Outcome.FAIL, interval=shared)
    if alone is not None and _good(rule, alone):
        return replace(finding, outcome=Outcome.PASS, interval=alone)
    why = "the interval holds the change that matters" if shared else "too few rounds"
    return replace(finding, interval=shared or alone, reason=f"{why} (n = {len(change)})")


def _worse(rule: Rule, found: Interval) -> bool:
    """Whether all of an interval is worse than the rule allows."""
    low, high = found
    bound, slack = _bound(rule), _slack(rule)
    return high < bound - slack if rule.more_is_better else low > bound + slack


def _good(rule: Rule, found: Interval) -> bool:
    """Whether none of an interval is worse than the rule allows."""
    low, high = found
    bound, slack = _bound(rule), _slack(rule)
    return low >= bound - slack if rule.more_is_better else high <= bound + slack


def _slack(rule: Rule) -> float:
    """What binary fractions may be off: 0.8 - 0.795 is not quite 0.005."""
    return 1e-12 * max(1.0, abs(_bound(rule)))


def interval(rule: Rule, change: Sequence[float], confidence: float) -> Interval | None:
    """What holds the true change so surely; None where so few samples hold nothing so surely."""
    ordered = sorted(change)
    if rule.metric in COUNTED and ordered[0] == ordered[-1]:
        return (ordered[0], ordered[0])
    return stats.median_interval(ordered, max(confidence, 0.0))


def _pairs(baseline: Mapping[int, float], candidate: Mapping[int, float]) -> list[Pair]:
    """(candidate, baseline) by round; figures that have no round of the same number fall out."""
    return [(candidate[at], baseline[at]) for at in candidate if at in baseline]


def _change(rule: Rule, pairs: Sequence[Pair], new: Sequence[float]) -> list[float] | None:
    if rule.kind == "limit":
        return list(new)
    if rule.kind == "absolute":
        return [this - base for this, base in pairs]
    if any(base == 0 and this != 0 for this, base in pairs):
        return None
    return [this / base if base else 1.0 for this, base in pairs]


def _bound(rule: Rule) -> float:
    sign = -1 if rule.more_is_better else 1
    if rule.kind == "limit":
        return rule.amount
    return sign * rule.amount + (1 if rule.kind == "relative" else 0)


def _median(values: Sequence[float]) -> float | None:
    found = stats.summary(values)
    return found.median if found else None
