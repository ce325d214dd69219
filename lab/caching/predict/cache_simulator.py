"""What an engine would still have: the keys of builds, by the same rules that explain misses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.dockerfile.cachekey import CacheInputs, Rules, keys
from lab.dockerfile.cachekey.inputs import Steps
from lab.dockerfile.cachekey.keys import Chain, Key
from lab.model.events import Outcome

CAPACITY = 1_000_000  # keys: some 100 MB, and more steps than any history that fits an engine


class CacheSimulator:
    """Keys that are in the cache, the longest unused forgotten first. Memory is bounded."""

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
class PredictedStep:
    """One step's predicted outcome, None where the engine reports none. Nobody knows how long it
    would take.

    ``assumed``: it runs only if what it copies from a stage comes out differently, which nobody can
    know without building that stage.
    """

    index: int
    stage: str
    instruction: str
    outcome: Outcome | None
    assumed: bool = False
    duration_s: None = field(default=None, init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What would become of a build's steps, were it made now."""

    engine: str
    inputs: CacheInputs
    steps: tuple[PredictedStep, ...]
    cold: bool = field(default=False, init=False)
    complete: bool = field(default=True, init=False)

    @property
    def outcomes(self) -> Mapping[int, Outcome | None]:
        """The outcomes by the instruction's index."""
        return {step.index: step.outcome for step in self.steps}

    @property
    def assumed(self) -> frozenset[int]:
        """The steps that are only assumed to run."""
        return frozenset(step.index for step in self.steps if step.assumed)


def predict(inputs: CacheInputs, rules: Rules, cache: CacheSimulator) -> Prediction:
    """Each step's outcome, were this built now; the cache then holds what that build leaves."""
    chain = Chain(inputs, rules)
    outcomes: dict[int, Outcome | None] = dict.fromkeys(step.index for step in inputs.steps)
    outcomes |= outcomes_of(chain, keys(inputs, rules), cache)
    for step in inputs.steps:
        if not inputs.stages[step.stage].needed and not (
            rules.all_stages and step.stage <= inputs.target
        ):
            outcomes[step.index] = Outcome.SKIPPED
    assumed = assumed_of(chain, outcomes)
    return Prediction(
        engine=rules.engine,
        inputs=inputs,
        steps=tuple(
            PredictedStep(
                index=step.index,
                stage=inputs.stages[step.stage].name,
                instruction=step.text,
                outcome=outcomes[step.index],
                assumed=step.index in assumed,
            )
            for step in inputs.steps
        ),
    )


def assumed_of(chain: Chain, outcomes: Mapping[int, Outcome | None]) -> set[int]:
    """The steps of a chain that run only if what they, or one before them, copy from another stage
    comes out differently.
    """
    steps = chain.inputs.by_index
    found: set[int] = set()
    for link in chain.links:
        if outcomes.get(link.step.index) is Outcome.MISS:
            ran = any(
                _ran(outcomes, steps, one.step)
                if one.whole
                else outcomes.get(one.step) is Outcome.MISS
                for one in link.reads
            )
            if ran or link.before in found:
                found.add(link.step.index)
    return found


def outcomes_of(
    chain: Chain, found: Mapping[int, Key], cache: CacheSimulator
) -> dict[int, Outcome | None]:
    """The outcomes of a chain's steps by their keys; the cache then holds these."""
    outcomes: dict[int, Outcome | None] = {}
    made = []
    for link in chain.links:
        if not link.taken or link.step.keyword == "FROM":
            continue
        key = found[link.step.index].own
        outcomes[link.step.index] = Outcome.HIT if key in cache else Outcome.MISS
        if chain.rules.within:
            cache.add(key)
        else:
            made.append(key)
    for key in made:
        cache.add(key)
    return outcomes


def left_by(chain: Chain, found: Mapping[int, Key]) -> CacheSimulator:
    """A cache that holds what this one build leaves, and nothing older."""
    cache = CacheSimulator()
    for link in chain.links:
        if link.taken and link.step.keyword != "FROM":
            cache.add(found[link.step.index].own)
    return cache


def _ran(outcomes: Mapping[int, Outcome | None], steps: Steps, index: int) -> bool:
    at: int | None = index
    while at is not None:
        if outcomes.get(at) is Outcome.MISS:
            return True
        at = steps[at].previous
    return False
