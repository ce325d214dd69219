"""Which steps a step depends on: the same for all builds of a Dockerfile, so found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lab.dockerfile.cachekey import CacheInputs, Rules, StepFacts
from lab.dockerfile.cachekey.rules import linked, previous
from lab.dockerfile.cachekey.stage_contents import origins

Dependencies = Mapping[int, tuple[int, ...]]


def dependencies(inputs: CacheInputs, rules: Rules) -> Dependencies:
    """Of each step that the engine keeps a key for, the steps whose result it uses: the one before
    it, and those that it copies from.
    """
    return _dependencies(_Same(inputs.steps), rules)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Steps that are the same only where they are one object: to compare them would cost more than
    what is kept here.
    """

    steps: tuple[StepFacts, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.steps is other.steps

    def __hash__(self) -> int:
        return id(self.steps)


@lru_cache(maxsize=256)
def _dependencies(same: _Same, rules: Rules) -> Dependencies:
    steps = {step.index: step for step in same.steps}
    found = {}
    for step in same.steps:
        if linked(step, rules):
            before = previous(steps, step, rules)
            read = [one.step for one in origins(steps, step, rules)]
            found[step.index] = tuple(read if before is None else [before, *read])
    return found
