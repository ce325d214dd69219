"""What becomes of a build's steps on an engine with empty storage that restores a cache.

A cache that keeps every stage's layers gives what the engine of the build before would have. One
that keeps keys alone gives a step for which something else asks only where its layers are in the
last stage: what a step that runs builds on must be there, or is made again (docker 20.10.24 and
28.5.2; tests/contract/test_remote_caches.py holds it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lab.caching.explain.step_graph import dependencies
from lab.caching.predict.cache_simulator import Prediction
from lab.dockerfile.cachekey import CacheInputs, Rules
from lab.model.events import Outcome
from lab.model.remote_cache import KEYS_ALONE, NOTHING

Outcomes = Mapping[int, Outcome | None]


def restored(predicted: Prediction, strategy: str, rules: Rules) -> Prediction:
    """The prediction for the engine of the build before, as a fresh one would come out."""
    outcomes = on_fresh(predicted.inputs, predicted.outcomes, strategy, rules)
    return replace(
        predicted,
        steps=tuple(replace(step, outcome=outcomes.get(step.index)) for step in predicted.steps),
    )


def on_fresh(inputs: CacheInputs, outcomes: Outcomes, strategy: str, rules: Rules) -> Outcomes:
    """The outcomes on the engine of the build before, as those on a fresh one that restores it."""
    hits = {index for index, outcome in outcomes.items() if outcome is Outcome.HIT}
    if strategy == NOTHING:
        lost = hits
    elif strategy in KEYS_ALONE:
        lost = _lost(inputs, outcomes, hits, rules)
    else:
        return outcomes
    return {
        index: Outcome.MISS if index in lost else outcome for index, outcome in outcomes.items()
    }


def _lost(inputs: CacheInputs, outcomes: Outcomes, hits: set[int], rules: Rules) -> set[int]:
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
