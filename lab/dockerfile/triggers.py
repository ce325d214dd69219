"""ONBUILD: instructions of a stage that are run in each stage that is built FROM it.

Seen on docker 20.10.24 and 28.5.2, podman 4.3.1 and 5.8.6 (tests/contract/test_idioms.py): they
come right after FROM, and a stage FROM the child has them no more. Those that a base image brings
are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.dockerfile.flags import flags_of
from lab.dockerfile.model import Instruction, Stage


def of(
    instructions: Sequence[Instruction], stages: Sequence[Stage]
) -> dict[int, tuple[Instruction, ...]]:
    """By stage, what its parent's ONBUILDs bring to it."""
    found: dict[int, tuple[Instruction, ...]] = {}
    free = len(instructions)
    for stage in stages:
        if stage.parent is not None:
            parent = [instructions[number] for number in stages[stage.parent].instructions]
            brought = tuple(_brought(parent, stage.index, free))
            free += len(brought)
            if brought:
                found[stage.index] = brought
    return found


def _brought(parent: Sequence[Instruction], stage: int, free: int) -> Iterator[Instruction]:
    waiting = [one for one in parent if one.keyword == "ONBUILD"]
    for number, one in enumerate(waiting):
        keyword, rest = (*one.operands.split(None, 1), "")[:2]
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
