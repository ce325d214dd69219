"""A rule and the figures of both sides -> pass, fail, or cannot tell. Pure.

A rule states the change that matters. With the certainty asked for, "fail" says that the true
change is worse than that, "pass" that it is not; an interval that holds the change that matters
says neither. Each is a one-sided statement, so its interval has twice the error.

All rules and subjects must pass, so each may use the whole error (an intersection-union test,
Berger 1982); one alone makes the gate fail, so that error is shared out among them (Bonferroni).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lab.results.gate import changes
from lab.results.gate.changes import Change, Figures, Interval, Method
from lab.results.gate.figures import Lack, counts, figures, lack
from lab.results.gate.policy import Policy, Rule
from lab.results.gate.sides import Side

ABSOLUTE = "let the policy state an absolute change"


class Outcome(StrEnum):
    """What a gate may answer."""

    PASS = "pass"  # noqa: S105 - it is no password
    FAIL = "fail"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule about one subject.

    ``change`` is what the limit is about: a ratio to the baseline (relative), a difference
    (absolute) or the candidate's own figure (limit); ``interval`` holds it, ``bound`` is where it
    becomes too bad, ``method`` how that was come by. ``reason`` says why nothing can be decided, or
    what confirmed a failure; ``remedy`` what would let it be decided, where measuring would not.
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
    method: Method | None = None
    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a gate says of a candidate. ``outcome`` is what the policy makes of the findings."""

    policy: Policy
    baseline: str
    candidate: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The metrics that neither side measured."""
        found = (
            one.rule.metric
            for one in self.findings
            if one.subject == one.rule.metric and one.remedy is None
        )
        return tuple(dict.fromkeys(found))

    @property
    def findings_outcome(self) -> Outcome:
        """The worst of the findings, before the policy counts what it cannot tell."""
        found = {finding.outcome for finding in self.findings}
        if Outcome.FAIL in found:
            return Outcome.FAIL
        return Outcome.CANNOT_TELL if Outcome.CANNOT_TELL in found or not found else Outcome.PASS

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings, "cannot tell" counted as the policy says."""
        counted = {"pass": Outcome.PASS, "fail": Outcome.FAIL, "report": Outcome.CANNOT_TELL}
        worst = self.findings_outcome
        return counted[self.policy.cannot_tell] if worst is Outcome.CANNOT_TELL else worst


def judge(baseline: Side, candidate: Side, policy: Policy, notes: Sequence[str] = ()) -> Judgement:
    """Judge a candidate by a policy. Both sides are comparable (lab.results.gate.sides)."""
    questions: list[tuple[Rule, str, Figures, Figures]] = []
    findings: list[Finding] = []
    more = [
        *notes,
        *_left_out("baseline", baseline, policy),
        *_left_out("candidate", candidate, policy),
    ]
    for rule in policy.rules:
        old = figures(rule, baseline, degraded=policy.degraded)
        new = figures(rule, candidate, degraded=policy.degraded)
        # a limit is about the candidate's own figures: the baseline's are asked only for what lacks
        subjects = dict.fromkeys([*(old if rule.kind != "limit" or not new else ()), *new])
        if not subjects:
            why = lack(rule, [baseline, candidate], policy.degraded)
            if policy.unmeasured == "leave-out" and why.remedy is None:
                more.append(f"{rule.metric}: neither side has a figure of it, it was not judged")
            else:
                findings.append(_without_figures(rule, why))
        for subject in subjects:
            if subject not in old and rule.kind != "limit":
                more.append(f"{subject}: new in the candidate, {rule.metric} was not judged")
            else:
                questions.append((rule, subject, old.get(subject, {}), new.get(subject, {})))
    count, paired = len(questions), in_turn(baseline, candidate)
    findings += [
        answer(rule, subject, old, new, questions=count, paired=paired)
        for rule, subject, old, new in questions
    ]
    findings += _failed_builds(candidate, policy)
    return Judgement(
        policy=policy,
        baseline=baseline.name,
        candidate=candidate.name,
        findings=tuple(findings),
        notes=tuple(more),
    )


def in_turn(baseline: Side, candidate: Side) -> bool:
    """Whether the rounds of both sides belong to one run, which took them in turn."""
    runs = [side.run.folder for side in (baseline, candidate) if side.run is not None]
    return len(runs) == 2 and runs[0] == runs[1]


def _left_out(role: str, side: Side, policy: Policy) -> Iterator[str]:
    good = [build for build in side.builds if build.status == "ok"]
    left = sum(not counts(build, degraded=policy.degraded) for build in good)
    if left:
        yield (
            f"{left} of {len(good)} builds of the {role} were disturbed and are left out of what "
            f"is timed (the policy says degraded: {policy.degraded})"
        )


def _without_figures(rule: Rule, why: Lack) -> Finding:
    return Finding(
        rule=rule,
        subject=f"{rule.metric}",
        outcome=Outcome.CANNOT_TELL,
        reason=f"no figure of {rule.metric} is on either side: {why.why}",
        remedy=why.remedy,
    )


def _failed_builds(candidate: Side, policy: Policy) -> list[Finding]:
    """A candidate that cannot be built is worse, whatever the policy measures."""
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
    baseline: Figures,
    candidate: Figures,
    *,
    paired: bool,
    questions: int = 1,
    forecast: bool = True,
) -> Finding:
    """One rule about one subject; ``questions`` is how many the gate asks in all.

    ``paired``: the rounds of both sides ran in turn, those of one number beside each other.
    """
    old, new = list(baseline.values()), list(candidate.values())
    finding = Finding(
        rule=rule,
        subject=subject,
        outcome=Outcome.CANNOT_TELL,
        baseline=statistics.median(old) if old else None,
        bound=changes.bound(rule),
    )
    if not new or not (old or rule.kind == "limit"):
        sides = ("baseline", "candidate") if new else ("candidate", "baseline")
        why = f"the {sides[0]} has no figure of it, only the {sides[1]} has"
        return replace(finding, reason=why, remedy=f"measure {rule.metric} in the {sides[0]} too")
    finding = replace(finding, candidate=statistics.median(new))
    if rule.kind == "relative" and min(old) < 0:
        return replace(finding, reason="the baseline is below 0", remedy=ABSOLUTE)
    error = 1 - rule.certainty
    try:
        alone, shared = (
            changes.change(rule, baseline, candidate, 1 - 2 * part, paired=paired, forecast=more)
            for part, more in ((error, forecast), (error / questions, False))
        )
    except ZeroDivisionError:
        why = "the baseline is 0: no relative change can be computed"
        return replace(finding, reason=why, remedy=ABSOLUTE)
    if alone is None or shared is None:
        return replace(
            finding, reason="no round in common", remedy="measure both in the same rounds"
        )
    finding = replace(finding, change=alone.value, count=alone.count, method=alone.method)
    return _settled(finding, alone, shared.interval)


def _settled(finding: Finding, alone: Change, shared: Interval | None) -> Finding:
    """Pass by the interval of the question alone, fail by the one corrected for all questions."""
    if shared is not None and _worse(finding.rule, shared):
        return replace(finding, outcome=Outcome.FAIL, interval=shared)
    if alone.interval is not None and _good(finding.rule, alone.interval):
        return replace(finding, outcome=Outcome.PASS, interval=alone.interval)
    return replace(finding, interval=shared or alone.interval, reason=_doubt(alone))


def _doubt(found: Change) -> str:
    why = "the interval holds the change that matters" if found.interval else "too few rounds"
    more = f"; about {found.needed_rounds} more rounds would decide" if found.needed_rounds else ""
    return f"{why} (n = {found.count}){more}"


def _worse(rule: Rule, found: Interval) -> bool:
    """Whether all of an interval is worse than the rule allows."""
    low, high = found
    bound, slack = changes.bound(rule), _slack(rule)
    return high < bound - slack if rule.more_is_better else low > bound + slack


def _good(rule: Rule, found: Interval) -> bool:
    """Whether none of an interval is worse than the rule allows."""
    low, high = found
    bound, slack = changes.bound(rule), _slack(rule)
    return low >= bound - slack if rule.more_is_better else high <= bound + slack


def _slack(rule: Rule) -> float:
    """What binary fractions may be off: 0.8 - 0.795 is not quite 0.005."""
    return 1e-9 * max(1.0, abs(changes.bound(rule)))
