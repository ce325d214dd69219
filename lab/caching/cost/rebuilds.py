"""How many commits of a history rebuild each instruction: replayed, nothing is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lab.caching.git.place import Place
from lab.caching.predict.cache_simulator import assumed_of
from lab.caching.replay import at_place
from lab.dockerfile.cachekey import Rules
from lab.model.events import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilds:
    """Of the last ``commits`` how many rebuild an instruction, by its text on one line.

    ``sure`` leaves those out that rebuild it only if what is copied from a stage comes out
    otherwise.
    """

    commits: int
    counts: Mapping[str, int]
    sure: Mapping[str, int]


def rebuilds(
    place: Place,
    text: str,
    rules: Rules,
    *,
    commits: int,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
) -> Rebuilds | None:
    """Replay the last commits with this Dockerfile for each; None: there are fewer than two.

    The one before them fills the cache. A commit that has not the context's folder, or an ignore
    file that cannot be read, counts as none.
    """
    counted = 0
    counts, sure = Counter[str](), Counter[str]()
    for _, predicted in at_place.predictions(
        place, text, rules, commits=commits, build_args=build_args, target=target
    ):
        if predicted is None:
            continue
        counted += 1
        unsure = assumed_of(predicted.chain, predicted.outcomes)
        for link in predicted.chain.links:
            outcome = predicted.outcomes.get(link.step.index)
            if outcome is not None:
                missed = outcome is Outcome.MISS
                counts[link.name] += missed
                sure[link.name] += missed and link.step.index not in unsure
    return None if counted < 1 else Rebuilds(commits=counted, counts=dict(counts), sure=dict(sure))
