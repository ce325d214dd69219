"""What becomes of a build's steps on an engine with empty storage that restores a cache.

A cache that keeps every stage's layers gives what the engine of the build before would have. One
that keeps keys alone gives a step for which something else asks only where its layers are in the
last stage: what a step that runs builds on must be there, or is made again (docker 20.10.24 and
28.5.2; tests/contract/test_remote_caches.py holds it). Podman before 4.4 looks for no ARG in a
registry, and for nothing that stands on one (4.3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from lab.caching.explain.step_graph import dependencies
from lab.caching.predict.cache_simulator import Prediction
from lab.dockerfile.cachekey import CacheInputs, Rules, keys
from lab.dockerfile.cachekey.inputs import Steps
from lab.dockerfile.cachekey.rules import linked, previous
from lab.dockerfile.cachekey.stage_contents import origins
from lab.model.events import Outcome
from lab.model.remote_cache import KEYS_ALONE, NOTHING

Outcomes = Mapping[int, Outcome | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Steps that a fresh engine runs, whatever the engine of the build before would have.

    Those that are ``assumed`` run only if what they copy from a stage, which was made anew, comes
    out differently.
    """

    sure: Set[int] = frozenset()
    assumed: Set[int] = frozenset()


def restored(predicted: Prediction, strategy: str, rules: Rules) -> Prediction:
    """The prediction for the engine of the build before, as a fresh one would come out."""
    lost = _lost(predicted.inputs, predicted.outcomes, strategy, rules)
    return replace(
        predicted,
        steps=tuple(
            replace(step, outcome=Outcome.MISS, assumed=step.index in lost.assumed)
            if step.index in lost.sure or step.index in lost.assumed
            else step
            for step in predicted.steps
        ),
    )


def on_fresh(inputs: CacheInputs, outcomes: Outcomes, strategy: str, rules: Rules) -> Outcomes:
    """The outcomes on the engine of the build before, as those on a fresh one that restores it."""
    lost = _lost(inputs, outcomes, strategy, rules)
    return {**outcomes, **dict.fromkeys(lost.sure | lost.assumed, Outcome.MISS)}


def _lost(inputs: CacheInputs, outcomes: Outcomes, strategy: str, rules: Rules) -> Lost:
    hits = {index for index, outcome in outcomes.items() if outcome is Outcome.HIT}
    if strategy == NOTHING:
        return Lost(sure=hits)
    if strategy in KEYS_ALONE:
        return Lost(sure=_without_layers(inputs, outcomes, hits, rules))
    return Lost() if rules.restores_arguments else _on_arguments(inputs, hits, rules)


def _without_layers(
    inputs: CacheInputs, outcomes: Outcomes, hits: set[int], rules: Rules
) -> set[int]:
    """The hits whose layers something needs, and the last stage's image does not have."""
    depends_on = dependencies(inputs, rules)
    held = _of_the_image(inputs)
    needed: set[int] = set()
    lost: set[int] = set()
    for step in reversed(inputs.steps):  # what a step depends on stands before it
        index = step.index
        if index in hits and index in needed and index not in held:
            lost.add(index)
        runs = outcomes.get(index) is Outcome.MISS or index in lost
        if runs or (index in needed and index not in hits):
            needed.update(depends_on.get(index, ()))
    return lost


def _of_the_image(inputs: CacheInputs) -> set[int]:
    """The steps that the built image has the layers of: its stage's, and those that it is FROM."""
    steps = inputs.by_index
    at = max((step.index for step in inputs.steps if step.stage == inputs.target), default=None)
    found: set[int] = set()
    while at is not None:
        found.add(at)
        at = steps[at].previous
    return found


@dataclass(slots=True)
class _Anew:
    """What a fresh engine makes anew for sure, and what perhaps; the keys that it has then made,
    and the steps that it takes from those, as an engine does that can within a build.
    """

    steps: Steps
    sure: set[int] = field(default_factory=set)
    perhaps: set[int] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    again: set[int] = field(default_factory=set)

    def within(self, index: int) -> bool:
        """Whether what a stage holds after a step may differ from what it held: a RUN ran again."""
        at: int | None = index
        while at is not None:
            if at in self.perhaps or (at in self.sure and self.steps[at].keyword == "RUN"):
                return True
            at = self.steps[at].previous
        return False


def _on_arguments(inputs: CacheInputs, hits: set[int], rules: Rules) -> Lost:
    """The hits that are ARGs, stand on one, or copy what was made anew where they do."""
    steps = inputs.by_index
    found, anew = keys(inputs, rules), _Anew(steps)
    for step in inputs.steps:
        if not linked(step, rules) or not inputs.stages[step.stage].needed:
            continue
        index, before = step.index, previous(steps, step, rules)
        reads = (one.step for one in origins(steps, step, rules) if one.whole)
        if step.keyword == "ARG" or before in anew.sure:
            anew.sure.add(index)
        elif before in anew.perhaps or any(map(anew.within, reads)):
            anew.perhaps.add(index)
        if index in hits and found[index].own in anew.keys:
            anew.again.add(index)
        elif index in anew.sure or index not in hits:
            anew.keys.add(found[index].own)
    return Lost(sure=anew.sure - anew.again, assumed=hits & anew.perhaps - anew.again)
