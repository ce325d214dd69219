"""What a policy detects: a slow-down that was injected, no change between two equal sides (the A/A
control) nor between shuffled labels, and how small a slow-down may be. Pure; resampling is seeded.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab.model.errors import InputError
from lab.results.gate.figures import Figures, figures
from lab.results.gate.judgement import Judgement, Outcome, answer, judge
from lab.results.gate.policy import Policy, Rule
from lab.results.gate.sides import Side

TIMED = frozenset({"wall", "cpu"})
SHUFFLES, RESAMPLES = 200, 60
POWER = 0.9  # how often a slow-down must be found to count as one that the policy detects
STEPS = 12  # of the search for the smallest: to a thousandth of one
WIDEST = 5.0  # a slow-down to six times the time: what is not detected there never is


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionResult:
    """The smallest slow-down of one subject that is found; None where not even a large one is."""

    subject: str
    metric: str
    smallest: float | None
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the gate did. ``false_alarms`` of ``shuffles``; ``sizes``: subject -> what was injected.

    ``slowed`` is its judgement of the slowed candidate, ``control`` of the two equal sides.
    """

    slowed: Judgement
    control: Judgement
    sizes: Mapping[str, float]
    false_alarms: int
    shuffles: int
    tolerated: int
    detection: tuple[DetectionResult, ...]

    @property
    def detected(self) -> bool:
        """Whether the slow-down was found."""
        return self.slowed.findings_outcome is Outcome.FAIL

    @property
    def control_failed(self) -> bool:
        """Whether the two equal sides gave an alarm: on a host that drifts they may, and shuffled
        labels not, because shuffling undoes the order."""
        return self.control.findings_outcome is Outcome.FAIL

    @property
    def too_many_alarms(self) -> bool:
        """Whether shuffled labels alarm more often than the certainty allows."""
        return self.false_alarms > self.tolerated


def timed(policy: Policy) -> Policy:
    """The policy's rules about time. Raises InputError where there is none."""
    rules = tuple(rule for rule in policy.rules if rule.metric in TIMED and rule.kind != "limit")
    if not rules:
        raise InputError(
            f"policy {policy.name} has no rule about a change of wall or cpu: nothing to prove",
            remedy="add one, such as {metric: wall, relative: 12%}",
        )
    return replace(policy, rules=rules)


def prove(
    plain: Side, control: Side, slowed: Side, policy: Policy, sizes: Mapping[str, float], seed: int
) -> Proof:
    """Hold a policy to builds of which the truth is known: two sides alike, and one slower."""
    rng = random.Random(seed)
    figured = [
        (
            rule,
            figures(rule, plain, degraded=policy.degraded),
            figures(rule, control, degraded=policy.degraded),
        )
        for rule in policy.rules
    ]
    questions = sum(len(old) for _, old, _ in figured)
    alarms = sum(_alarm(figured, questions, rng) for _ in range(SHUFFLES))
    error = 1 - min(rule.certainty for rule in policy.rules)
    return Proof(
        slowed=judge(plain, slowed, policy),
        control=judge(plain, control, policy),
        sizes=sizes,
        false_alarms=alarms,
        shuffles=SHUFFLES,
        tolerated=_tolerated(error, SHUFFLES),
        detection=tuple(
            _smallest(rule, subject, old[subject], new.get(subject, {}), questions, rng)
            for rule, old, new in figured
            for subject in old
        ),
    )


def _alarm(
    equal: Sequence[tuple[Rule, Figures, Figures]], questions: int, rng: random.Random
) -> bool:
    """Whether the gate fails when it is chance which of two builds is called the candidate."""
    swapped = {at: rng.random() < 0.5 for _, old, _ in equal for one in old.values() for at in one}
    for rule, old, new in equal:
        for subject in old:
            pairs = {
                at: (new[subject][at], old[subject][at])
                for at in old[subject]
                if at in new.get(subject, {})
            }
            first = {at: pair[swapped[at]] for at, pair in pairs.items()}
            second = {at: pair[not swapped[at]] for at, pair in pairs.items()}
            found = answer(
                rule, subject, first, second, questions=questions, paired=True, forecast=False
            )
            if found.outcome is Outcome.FAIL:
                return True
    return False


def _tolerated(error: float, count: int) -> int:
    """The most alarms of so many that an error rate may give: its binomial 99.9 % quantile."""
    chance, total, alarms = (1 - error) ** count, 0.0, 0
    while True:
        total += chance
        if total >= 0.999 or alarms >= count:
            return alarms
        chance *= (count - alarms) / (alarms + 1) * error / (1 - error)
        alarms += 1


def _smallest(
    rule: Rule,
    subject: str,
    old: Mapping[int, float],
    new: Mapping[int, float],
    questions: int,
    rng: random.Random,
) -> DetectionResult:
    rounds = [at for at in old if at in new]
    draws = [[rng.choice(rounds) for _ in rounds] for _ in range(RESAMPLES)] if rounds else []
    middle = sorted(old.values())[len(old) // 2] if old else 0.0

    def share(slower: float) -> float:
        """How often the gate fails where the candidate takes so much longer."""
        found = [
            answer(
                rule,
                subject,
                {place: old[at] for place, at in enumerate(draw)},
                {place: new[at] + slower * middle for place, at in enumerate(draw)},
                questions=questions,
                paired=True,
                forecast=False,
            ).outcome
            for draw in draws
        ]
        return found.count(Outcome.FAIL) / len(found) if found else 0.0

    smallest = None
    if share(WIDEST) >= POWER:
        low, smallest = 0.0, WIDEST
        for _ in range(STEPS):
            middle_of = (low + smallest) / 2
            if share(middle_of) >= POWER:
                smallest = middle_of
            else:
                low = middle_of
    return DetectionResult(
        subject=subject, metric=rule.metric, smallest=smallest, rounds=len(rounds)
    )
