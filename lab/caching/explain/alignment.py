"""Which step of one Dockerfile is which of another: by stage, then by text, then by purpose."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from lab.dockerfile.cachekey import CacheInputs, StepFacts
from lab.dockerfile.cachekey.variables import assignments


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """``old_of`` gives the old index of a new step; ``moved`` are new steps whose place changed.

    Steps of the new file that are not in ``old_of`` are new; steps of the old one that no new step
    is matched with are gone. ``in_place``: every step stands where it stood, and none came or went.
    """

    old_of: Mapping[int, int]
    moved: frozenset[int] = field(default_factory=frozenset)
    in_place: bool = False


def align(old: CacheInputs, new: CacheInputs) -> Alignment:
    """Match the steps of two builds."""
    if _in_place(old, new):
        return Alignment(old_of={step.index: step.index for step in new.steps}, in_place=True)
    olds, news = _by_stage(old), _by_stage(new)
    pairs: dict[int, int] = {}
    moved: set[int] = set()
    for name, steps in news.items():
        if name in olds:
            _stage(olds[name], steps, pairs, moved)
    return Alignment(old_of=pairs, moved=frozenset(moved))


def _in_place(old: CacheInputs, new: CacheInputs) -> bool:
    """Whether all that differs is what some steps say of the same thing."""
    if old.steps is new.steps:  # as builds of one Dockerfile have them
        return old.stages == new.stages
    if old.stages != new.stages or len(old.steps) != len(new.steps):
        return False
    pairs = zip(old.steps, new.steps, strict=True)
    texts = {step.text for step in old.steps}
    return all(before is step or _changed(before, step, texts) for before, step in pairs)


def _changed(before: StepFacts, step: StepFacts, texts: Container[str]) -> bool:
    """Whether it is the same instruction, whose text may be one that stood nowhere before."""
    place = (step.index, step.stage, step.previous)
    if (before.index, before.stage, before.previous) != place:
        return False
    if before.text == step.text:
        return True
    return step.text not in texts and _purpose(before) == _purpose(step)


def _by_stage(inputs: CacheInputs) -> dict[str, list[StepFacts]]:
    found: dict[str, list[StepFacts]] = {stage.name: [] for stage in inputs.stages}
    for step in inputs.steps:
        found[inputs.stages[step.stage].name].append(step)
    return found


def _stage(
    old: Sequence[StepFacts], new: Sequence[StepFacts], pairs: dict[int, int], moved: set[int]
) -> None:
    matcher = SequenceMatcher(
        a=[step.text for step in old], b=[step.text for step in new], autojunk=False
    )
    gaps = []
    left_old: list[StepFacts] = []
    left_new: list[StepFacts] = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            same = zip(new[b1:b2], old[a1:a2], strict=True)
            pairs.update({one.index: other.index for one, other in same})
        else:
            gaps.append(([*old[a1:a2]], [*new[b1:b2]]))
            left_old += old[a1:a2]
            left_new += new[b1:b2]
    for step in left_new:  # the same text elsewhere: it moved
        twin = next((one for one in left_old if one.text == step.text), None)
        if twin is not None:
            pairs[step.index] = twin.index
            moved.add(step.index)
            left_old.remove(twin)
    for before, after in gaps:
        _pair(before, after, left_old, pairs)
    _pair(left_old, left_new, left_old, pairs)  # last: what changed and moved at once


def _pair(
    before: Sequence[StepFacts],
    after: Sequence[StepFacts],
    left_old: list[StepFacts],
    pairs: dict[int, int],
) -> None:
    for exactly in (True, False):
        for step in after:
            if step.index in pairs or (step.keyword in _NAMED and not exactly):
                continue
            for one in before:
                alike = _purpose(one) == _purpose(step) if exactly else one.keyword == step.keyword
                if one in left_old and alike:
                    pairs[step.index] = one.index
                    left_old.remove(one)
                    break


_NAMED = frozenset({"ENV", "ARG", "LABEL"})  # what they are about is a name


def _purpose(step: StepFacts) -> tuple[str, ...]:
    """What an instruction is for, whatever it says: the variable, the destination."""
    words = step.text.split()
    match step.keyword:
        case "ENV" | "ARG" | "LABEL":
            found = assignments(step.text.partition(" ")[2], bare=step.keyword == "ARG")
            return (step.keyword, *(name for name, _ in found))
        case "COPY" | "ADD":
            return (step.keyword, words[-1])
        case "RUN":
            return (step.keyword, step.text)
        case keyword:
            return (keyword,)
