"""ONBUILD: instructions of a stage that are run in each stage that is built FROM it.

Seen on docker 20.10.24 and 28.5.2, podman 4.3.1 and 5.8.6 (tests/contract/test_idioms.py): they
come right after FROM, and a stage FROM the child has them no more. So do those that a base image
brings of itself, which its settings name as OnBuild.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lab.dockerfile.flags import flags_of
from lab.dockerfile.model import Instruction, Stage

Triggers = Mapping[str, Sequence[str]]  # by a base's reference, its triggers' texts in order


def of(
    instructions: Sequence[Instruction], stages: Sequence[Stage], images: Triggers
) -> dict[int, tuple[Instruction, ...]]:
    """By stage, what its parent's ONBUILDs bring to it, or its base's by ``images``."""
    found: dict[int, tuple[Instruction, ...]] = {}
    free = len(instructions)
    for stage in stages:
        own = [instructions[number] for number in stage.instructions]
        waiting = [(own[0], text) for text in images.get(stage.base, ())]
        if stage.parent is not None:
            parent = [instructions[number] for number in stages[stage.parent].instructions]
            waiting = [(one, one.operands) for one in parent if one.keyword == "ONBUILD"]
        brought = tuple(_brought(waiting, stage.index, free))
        free += len(brought)
        if brought:
            found[stage.index] = brought
    return found


def _brought(
    waiting: Sequence[tuple[Instruction, str]], stage: int, free: int
) -> Iterator[Instruction]:
    """Instructions of these texts; each stands where its ONBUILD does, or the base's FROM."""
    for number, (one, text) in enumerate(waiting):
        keyword, rest = (*text.split(None, 1), "")[:2]
        flags, operands = flags_of(rest.strip())
        yield replace(
            one,
            index=free + number,
            stage=stage,
            keyword=keyword.upper(),
            text=f"{keyword.upper()} {rest.strip()}",
            end=one.line,
            flags=flags,
            operands=operands,
        )
