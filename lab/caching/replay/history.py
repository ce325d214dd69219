"""A history replayed: each commit's steps predicted, and what they cost added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.caching.git.objects import Commit
from lab.caching.replay.commit_predictor import CommitPrediction, CommitPredictor
from lab.model.events import Outcome
from lab.model.record import HIT_RATE_KEYWORDS

WEEK = 7 * 24 * 3600


@dataclass(slots=True)
class StepTotal:
    """One instruction over the history. ``seconds`` is None where nobody measured it."""

    hits: int = 0
    misses: int = 0
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class HistoryTotal:
    """One Dockerfile over a history. ``passed`` counts commits that could not be built."""

    name: str
    commits: int = 0
    passed: int = 0
    first: int | None = None
    last: int | None = None
    steps: dict[str, StepTotal] = field(default_factory=dict)

    @property
    def hit_rate(self) -> float | None:
        """Over RUN, COPY and ADD, as everywhere in the lab."""
        counted = [
            one for text, one in self.steps.items() if text.split(None, 1)[0] in HIT_RATE_KEYWORDS
        ]
        hits, misses = sum(one.hits for one in counted), sum(one.misses for one in counted)
        return hits / (hits + misses) if hits + misses else None

    @property
    def seconds(self) -> float:
        """What all commits cost, as far as the steps' costs are known."""
        return sum(one.seconds or 0.0 for one in self.steps.values())

    @property
    def per_week(self) -> float | None:
        """Seconds a week; None for a history of less than a day."""
        if self.first is None or self.last is None or self.last - self.first < 24 * 3600:
            return None
        return self.seconds / ((self.last - self.first) / WEEK)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Steps that ran and that nobody measured."""
        return tuple(text for text, one in self.steps.items() if one.misses and one.seconds is None)

    def count(
        self, commit: Commit, prediction: CommitPrediction | None, costs: Mapping[str, float]
    ) -> None:
        """Add a commit; None: it could not be built. ``costs`` are seconds by instruction."""
        if prediction is None:
            self.passed += 1
            return
        self.commits += 1
        self.first = commit.at if self.first is None else min(self.first, commit.at)
        self.last = commit.at if self.last is None else max(self.last, commit.at)
        for link in prediction.chain.links:
            outcome = prediction.outcomes.get(link.step.index)
            if outcome is None:
                continue
            one = self.steps.get(link.name)
            if one is None:
                one = self.steps[link.name] = StepTotal()
            if outcome is Outcome.HIT:
                one.hits += 1
                continue
            one.misses += 1
            cost = costs.get(link.name)
            if cost is not None:
                one.seconds = (one.seconds or 0.0) + cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is replayed: a Dockerfile by an engine's rules, and what each of its steps costs."""

    predictor: CommitPredictor
    costs: Mapping[str, float] = field(default_factory=dict)
    name: str = "Dockerfile"


def replay(replays: Sequence[Replay], commits: Iterable[Commit]) -> list[HistoryTotal]:
    """Every commit through every replay, side by side: what they read of git is read once."""
    totals = [HistoryTotal(name=one.name) for one in replays]
    for commit in commits:
        for one, total in zip(replays, totals, strict=True):
            total.count(commit, one.predictor.predict(commit), one.costs)
    return totals
