"""Stages that an argument chooses: `FROM ${VARIANT}`, where VARIANT names a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lab.dockerfile.cachekey import CacheInputs, Rules, StepFacts
from lab.dockerfile.cachekey.inputs import Steps, Variable
from lab.dockerfile.cachekey.rules import linked

Changed = tuple[str, str | None, str | None]  # a name, its value before and after


def arguments(before: StepFacts, step: StepFacts) -> Iterator[Changed]:
    """The arguments that a FROM names and that have another value now."""
    for name in {**before.variables, **step.variables}:
        was, now = before.variables.get(name), step.variables.get(name)
        if was != now:
            yield name, _value(was), _value(now)


def _value(variable: Variable | None) -> str | None:
    return None if variable is None else variable.value


def first_needed(
    old: CacheInputs, new: CacheInputs, olds: Steps, old_of: Mapping[int, int], rules: Rules
) -> dict[int, tuple[Changed, ...]]:
    """The first step of each stage that was not needed before, with the arguments that chose it."""
    chose = dict.fromkeys(
        found
        for step in new.steps
        if step.keyword == "FROM" and step.index in old_of
        for found in arguments(olds[old_of[step.index]], step)
    )
    if not chose:
        return {}
    idle = {stage.name for stage in old.stages if not stage.needed}
    fresh = [stage.needed and stage.name in idle for stage in new.stages]
    below = [step for step in new.steps if fresh[step.stage] and linked(step, rules)]
    return dict.fromkeys(_first(below), tuple(chose))


def _first(steps: Iterable[StepFacts]) -> Iterator[int]:
    """The first step of each stage below its FROM."""
    seen: set[int] = set()
    for step in steps:
        if step.keyword != "FROM" and step.stage not in seen:
            seen.add(step.stage)
            yield step.index
