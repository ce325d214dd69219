"""Two states of a build, before and after: what would run, and why. Nothing is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.caching.explain import Explanation, explain
from lab.caching.explain.fresh_causes import explain_restored
from lab.caching.predict import edit_arguments
from lab.caching.predict.cache_simulator import CacheSimulator, Prediction, predict
from lab.caching.predict.fresh_engine import restored
from lab.caching.predict.inputs import cache_inputs
from lab.dockerfile.cachekey import CacheInputs, Rules
from lab.dockerfile.edits import Inputs
from lab.model.remote_cache import WARM


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedEdit:
    """What one edit would run again, engine by engine; an empty ``edit`` changes nothing.

    ``kept_back`` are the files that it brings and the ignore file keeps from being sent, ``new``
    those of which the content was to change and that were not there.
    """

    edit: str
    kept_back: tuple[str, ...]
    new: tuple[str, ...]
    by_engine: tuple[Explanation[Prediction], ...]


def compare(
    before: CacheInputs, after: CacheInputs, rules: Rules, strategy: str = WARM
) -> Explanation[Prediction]:
    """What would run of ``after``, had ``before`` just been built, and why.

    By another ``strategy`` than the default it is built on a fresh engine, which restores by it
    what the build of ``before`` left.
    """
    cache = CacheSimulator()
    first, second = predict(before, rules, cache), predict(after, rules, cache)
    if strategy == WARM:
        return explain(second, [first], rules)
    return explain_restored(restored(second, strategy, rules), [first], rules, strategy)


def predict_edits(
    given: Inputs, edits: Sequence[str], engines: Sequence[Rules], strategy: str = WARM
) -> Iterator[PredictedEdit]:
    """Each edit made alone, after a build without it; ``strategy`` as in `compare`."""
    before = cache_inputs(given)
    for edit in edits:
        edited = edit_arguments.apply(edit, given) if edit else edit_arguments.Edited(inputs=given)
        after = cache_inputs(edited.inputs, moved=edited.moved)
        yield PredictedEdit(
            edit=edit,
            kept_back=edited.kept_back,
            new=edited.new,
            by_engine=tuple(compare(before, after, rules, strategy) for rules in engines),
        )
