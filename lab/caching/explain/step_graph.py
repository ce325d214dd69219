"""What of a Dockerfile's steps is the same for all its builds, found once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lab.dockerfile.cachekey import CacheInputs, Rules, StepFacts
from lab.dockerfile.cachekey.rules import linked, previous
from lab.dockerfile.cachekey.stage_contents import origins


@dataclass(frozen=True, slots=True, kw_only=True)
class StepGraph:
    """``stands_on``: of each step that the engine keeps a key for, the steps whose result it uses:
    the one before it, and those that it copies from.
    """

    stands_on: Mapping[int, tuple[int, ...]]


def shape(manifest: CacheInputs, rules: Rules) -> StepGraph:
    """The shape of a build's steps by an engine's rules."""
    return _shape(_Same(manifest.steps), rules)


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
def _shape(same: _Same, rules: Rules) -> StepGraph:
    steps = {step.index: step for step in same.steps}
    found = {}
    for step in same.steps:
        if linked(step, rules):
            before = previous(steps, step, rules)
            read = [one.step for one in origins(steps, step, rules)]
            found[step.index] = tuple(read if before is None else [before, *read])
    return StepGraph(stands_on=found)
