"""The strategies over a history of commits, priced, and the one to take. Pure but for git."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab.caching.git.place import Place
from lab.caching.replay import at_place
from lab.caching.replay.history import WEEK, HistoryTotal
from lab.caching.runner_cache.overhead import Overhead
from lab.dockerfile.cachekey import Rules
from lab.model.remote_cache import NOTHING, WARM

MINUTE, GIGABYTE = 60, 1e9


@dataclass(frozen=True, slots=True)
class Prices:
    """What a runner's minute and a gigabyte from or to the registry cost; None: not told."""

    minute: float | None = None
    gigabyte: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """One strategy's jobs over a history: seconds and bytes of one job, the mean.

    ``rebuilt_s`` are those of its steps, ``jobs_per_week`` None for a history of less than a day.
    ``money`` is that of one job, None where no price is told.
    """

    strategy: str
    commits: int
    hit_rate: float | None
    rebuilt_s: float
    overhead: Overhead
    jobs_per_week: float | None
    money: float | None

    @property
    def job_s(self) -> float:
        """Seconds of a job."""
        return self.rebuilt_s + self.overhead.seconds.median

    @property
    def moved_bytes(self) -> float:
        """Bytes of a job, in both directions."""
        sides = (self.overhead.down_bytes, self.overhead.up_bytes)
        return sum(one.median for one in sides if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The strategies, the best first; ``unpriced`` are steps that ran and nobody measured."""

    priced: tuple[Priced, ...]
    unpriced: tuple[str, ...] = ()

    @property
    def take(self) -> Priced | None:
        """The best that a fresh machine can have; None where nothing was measured."""
        return next((one for one in self.priced if one.strategy != WARM), None)

    @property
    def nothing(self) -> Priced | None:
        """The jobs without a cache."""
        return next((one for one in self.priced if one.strategy == NOTHING), None)


def histories(
    place: Place,
    text: str,
    rules: Rules,
    strategies: Sequence[str],
    costs: Mapping[str, float],
    *,
    commits: int,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
) -> dict[str, HistoryTotal]:
    """The last commits, each on a fresh engine that restores by a strategy what the one before it
    left; the one before them all fills the cache.
    """
    totals = {strategy: HistoryTotal(name=strategy) for strategy in strategies}
    for strategy, total in totals.items():
        for commit, predicted in at_place.predictions(
            place,
            text,
            rules,
            commits=commits,
            build_args=build_args,
            target=target,
            strategy=strategy,
        ):
            total.count(commit, predicted, costs)
    return totals


def choose(
    totals: Mapping[str, HistoryTotal], overheads: Mapping[str, Overhead], prices: Prices
) -> Choice:
    """By money where it is told, else by seconds; of equals the one that moves less."""
    found = [
        _priced(strategy, total, overheads[strategy], prices)
        for strategy, total in totals.items()
        if total.commits and strategy in overheads
    ]
    found.sort(key=lambda one: (one.money or 0.0, one.job_s, one.moved_bytes))
    unpriced = dict.fromkeys(text for total in totals.values() for text in total.unpriced)
    return Choice(priced=tuple(found), unpriced=tuple(unpriced))


def _priced(strategy: str, total: HistoryTotal, overhead: Overhead, prices: Prices) -> Priced:
    span = 0 if total.first is None or total.last is None else total.last - total.first
    one = Priced(
        strategy=strategy,
        commits=total.commits,
        hit_rate=total.hit_rate,
        rebuilt_s=total.seconds / total.commits,
        overhead=overhead,
        jobs_per_week=total.commits / (span / WEEK) if span >= WEEK / 7 else None,
        money=None,
    )
    if prices.minute is None and prices.gigabyte is None:
        return one
    minutes = one.job_s / MINUTE * (prices.minute or 0.0)
    return replace(one, money=minutes + one.moved_bytes / GIGABYTE * (prices.gigabyte or 0.0))
