"""One build explained against the nearest earlier one: root causes, and their knock-on misses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lab.caching.explain.causes import Cause, Difference, difference
from lab.caching.explain.model import B, BuildOutcome, Explanation, StepExplanation, StepOutcome
from lab.caching.explain.step_graph import Dependencies, dependencies
from lab.dockerfile.cachekey import Rules, facets, keys
from lab.dockerfile.cachekey.rules import STRICT
from lab.model.events import Outcome

RAN = (Outcome.MISS, Outcome.FAILED)


def explain(now: B, earlier: Sequence[B], rules: Rules) -> Explanation[B]:
    """Explain a build against the nearest of the earlier builds of its cell.

    ``earlier`` are in the order in which they were built. Steps before the last cold build are
    forgotten by the engine, and so they are here.
    """
    if now.cold or not earlier:
        cause = Cause(kind="cold") if earlier else Cause(kind="never")
        return _finish(now, None, _all(now, cause))
    last_cold = max((n for n, one in enumerate(earlier) if one.cold), default=0)
    candidates = earlier[last_cold:]
    usable = [one for one in candidates if one.complete] or candidates
    known: dict[int, Difference] = {}  # a cold build and its rebuilds have the same inputs
    for one in usable:
        if id(one.inputs) not in known:
            known[id(one.inputs)] = difference(one.inputs, now.inputs, rules)
    newest_first = [(known[id(one.inputs)], one) for one in reversed(usable)]
    nearest_first = sorted(newest_first, key=lambda pair: pair[0].size)
    (_, reference), compared = nearest_first[0], [found for found, _ in nearest_first]
    explained = _walk(now, reference, compared, _seen(now, candidates, rules), rules)
    return _finish(now, reference, explained)


def alike(now: B, cause: Cause) -> Explanation[B]:
    """A build of which every step that ran did so for one cause."""
    return _finish(now, None, _all(now, cause))


def _seen(
    now: BuildOutcome, candidates: Sequence[BuildOutcome], rules: Rules
) -> Callable[[int], bool]:
    """Tells whether one of the earlier builds had this very step. Few builds ask."""

    @cache
    def had() -> frozenset[str]:
        return frozenset(
            key.own
            for one in candidates
            for index, key in keys(one.inputs, rules).items()
            if _outcome(one, index) in {Outcome.HIT, Outcome.MISS}
        )

    return lambda index: keys(now.inputs, rules)[index].own in had()


def _all(now: BuildOutcome, cause: Cause) -> tuple[StepExplanation, ...]:
    """Every step that ran, for one cause: the first of each stage is its root."""
    found = []
    roots: dict[str, int] = {}
    for step in now.steps:
        if step.outcome not in RAN:
            found.append(StepExplanation(step=step))
        elif step.stage in roots:
            found.append(StepExplanation(step=step, roots=(roots[step.stage],)))
        else:
            roots[step.stage] = step.index
            found.append(StepExplanation(step=step, causes=(cause,)))
    return tuple(found)


@dataclass(slots=True)
class _Path:
    """What is known of a step: causes that struck at it or above it, and their roots."""

    carried: frozenset[Cause] = frozenset()
    pending: tuple[Cause, ...] = ()
    roots: tuple[int, ...] = ()


def _walk(
    now: BuildOutcome,
    reference: BuildOutcome,
    compared: Sequence[Difference],
    seen: Callable[[int], bool],
    rules: Rules,
) -> tuple[StepExplanation, ...]:
    depends_on = dependencies(now.inputs, rules)
    paths: dict[int, _Path] = {}
    found = []
    for step in now.steps:
        if step.index not in depends_on:
            found.append(StepExplanation(step=step))
            continue
        if step.outcome is not None and step.outcome not in RAN:
            paths[step.index] = _Path()
            unsafe = _unsafe(now, reference, step, compared[0], rules)
            found.append(StepExplanation(step=step, unsafe=unsafe))
            continue
        above = [_reached(one, paths, depends_on, compared[0]) for one in depends_on[step.index]]
        own = compared[0].own.get(step.index, ())
        # where there is nothing new, what holds for the step before it holds for this one
        path = above[0] if len(above) == 1 and not own else _joined(above, own)
        pending, roots, after = path.pending, path.roots, path.carried | set(path.pending)
        if step.outcome is None:
            paths[step.index] = path
            found.append(StepExplanation(step=step))
        elif pending:
            paths[step.index] = _Path(after, (), (*roots, step.index))
            found.append(StepExplanation(step=step, causes=pending))
        elif roots:
            paths[step.index] = path
            found.append(StepExplanation(step=step, roots=roots))
        else:
            causes = _by_itself(step.index, seen(step.index), compared)
            paths[step.index] = _Path(after | set(causes), (), (step.index,))
            found.append(StepExplanation(step=step, causes=causes))
    return tuple(found)


def _reached(
    index: int, paths: Mapping[int, _Path], depends_on: Dependencies, compared: Difference
) -> _Path:
    """What is known of a step. A record may lack it, as those that ONBUILD brings are in none."""
    if index in paths or index not in depends_on:
        return paths.get(index, _Path())
    above = [_reached(one, paths, depends_on, compared) for one in depends_on[index]]
    return _joined(above, compared.own.get(index, ()))


def _joined(above: Sequence[_Path], own: Sequence[Cause]) -> _Path:
    """What is known before a step: all that struck above it, and its own causes."""
    carried = frozenset().union(*(one.carried for one in above))
    roots = tuple(dict.fromkeys(root for one in above for root in one.roots))
    new = [cause for cause in own if cause not in carried]
    pending = tuple(dict.fromkeys((*(c for one in above for c in one.pending), *new)))
    return _Path(carried, pending, roots)


def _by_itself(index: int, seen: bool, compared: Sequence[Difference]) -> tuple[Cause, ...]:
    """Why a step ran although all is as in the nearest build.

    What stands before it may have come from the cache of an older build, to which it is new.
    """
    if seen:
        return (Cause(kind="evicted"),)
    older = (one.own[index] for one in compared if index in one.own)
    return next(older, (Cause(kind="unknown"),))


def _unsafe(
    now: BuildOutcome,
    reference: BuildOutcome,
    step: StepOutcome,
    compared: Difference,
    rules: Rules,
) -> tuple[Cause, ...]:
    """What a reused step's result depends on and what changed all the same."""
    old = compared.alignment.old_of.get(step.index)
    if step.outcome is not Outcome.HIT or old is None or step.index in compared.same:
        return ()
    strict = replace(STRICT, ignores=rules.ignores)  # what is kept back is in no result
    if _outcome(reference, old) not in {Outcome.HIT, Outcome.MISS}:
        return ()
    was = facets(reference.inputs, reference.inputs.by_index[old], strict)
    here = facets(now.inputs, now.inputs.by_index[step.index], strict)
    if was == here:
        return ()
    changed = difference(reference.inputs, now.inputs, strict)
    return tuple(
        cause
        for cause in changed.own.get(step.index, ())
        if cause.kind not in {"added", "removed", "order"}
    )


def _finish(now: B, reference: B | None, steps: tuple[StepExplanation, ...]) -> Explanation[B]:
    seconds: dict[int, float] = {}
    for one in steps:
        if one.causes or one.roots:
            root = one.step.index if one.causes else one.roots[-1]
            seconds[root] = seconds.get(root, 0.0) + (one.step.duration_s or 0.0)
    return Explanation(
        build=now,
        against=reference,
        steps=steps,
        seconds=seconds,
    )


def _outcome(build: BuildOutcome, index: int) -> Outcome | None:
    return next((step.outcome for step in build.steps if step.index == index), None)
