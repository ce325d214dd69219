"""What an engine would still have: the keys of builds, by the same rules that explain misses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from lab.dockerfile.cachekey import CacheInputs, Rules, keys
from lab.dockerfile.cachekey.inputs import Steps
from lab.dockerfile.cachekey.keys import Chain, Key
from lab.model.events import Outcome

CAPACITY = 1_000_000  # keys: some 100 MB, and more steps than any history that fits an engine


class CacheSimulator:
    """Keys that are in the cache, the longest unused forgotten first. CacheSimulator is bounded."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._capacity = capacity

    def __contains__(self, key: str) -> bool:
        if key in self._keys:
            self._keys.move_to_end(key)
            return True
        return False

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str) -> None:
        """Keep a key."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._capacity:
            self._keys.popitem(last=False)

    def clear(self) -> None:
        """Forget all, as before a cold build."""
        self._keys.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Outcomes by the instruction's index: None where the engine tells none.

    ``assumed`` are steps that run only if what they copy from a stage comes out differently, which
    nobody can know without building that stage.
    """

    outcomes: Mapping[int, Outcome | None]
    assumed: frozenset[int] = frozenset()


def predict(manifest: CacheInputs, rules: Rules, memory: CacheSimulator) -> Prediction:
    """Each step's outcome, were this built now; the memory then holds what that build leaves."""
    chain = Chain(manifest, rules)
    outcomes: dict[int, Outcome | None] = dict.fromkeys(step.index for step in manifest.steps)
    outcomes |= outcomes_of(chain, keys(manifest, rules), memory)
    for step in manifest.steps:
        if not manifest.stages[step.stage].needed and not (
            rules.all_stages and step.stage <= manifest.target
        ):
            outcomes[step.index] = Outcome.SKIPPED
    steps = manifest.by_index
    assumed: set[int] = set()
    for link in chain.links:
        if outcomes[link.step.index] is Outcome.MISS:
            ran = any(
                _ran(outcomes, steps, one.step)
                if one.whole
                else outcomes.get(one.step) is Outcome.MISS
                for one in link.reads
            )
            if ran or link.before in assumed:
                assumed.add(link.step.index)
    return Prediction(outcomes=outcomes, assumed=frozenset(assumed))


def outcomes_of(
    chain: Chain, found: Mapping[int, Key], memory: CacheSimulator
) -> dict[int, Outcome | None]:
    """The outcomes of a chain's steps by their keys; the memory then holds these."""
    outcomes: dict[int, Outcome | None] = {}
    made = []
    for link in chain.links:
        if not link.taken or link.step.keyword == "FROM":
            continue
        key = found[link.step.index].own
        outcomes[link.step.index] = Outcome.HIT if key in memory else Outcome.MISS
        if chain.rules.within:
            memory.add(key)
        else:
            made.append(key)
    for key in made:
        memory.add(key)
    return outcomes


def _ran(outcomes: Mapping[int, Outcome | None], steps: Steps, index: int) -> bool:
    at: int | None = index
    while at is not None:
        if outcomes.get(at) is Outcome.MISS:
            return True
        at = steps[at].previous
    return False
