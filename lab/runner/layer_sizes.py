"""How large the layer of each step is, out of the history of the image that was built. Pure.

An image's history tells its steps in each builder's own words: ``RUN /bin/sh -c make # buildkit``,
``/bin/sh -c make`` and ``/bin/sh -c #(nop) COPY file:… in /`` (docker 20.10.24 and its first
builder, podman 4.3.1). They are matched by their keywords, from the last one on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.dockerfile.model import Dockerfile, Instruction
from lab.engines.protocol import HistoryEntry
from lab.model.record import HIT_RATE_KEYWORDS, Step

_WORDS = re.compile(r"(?:/bin/sh -c #\(nop\)\s+)?([A-Z]+)\b")


def with_sizes(
    steps: Sequence[Step],
    dockerfile: Dockerfile,
    target: str | None,
    history: Sequence[HistoryEntry],
) -> tuple[Step, ...]:
    """The steps with the sizes of their layers; as they were where the history does not fit."""
    made = [one for one in _in_image(dockerfile, target) if one.keyword in HIT_RATE_KEYWORDS]
    told = [one for one in history if _keyword(one.created_by) in HIT_RATE_KEYWORDS]
    if len(told) < len(made):
        return tuple(steps)
    pairs = list(zip(made, told[len(told) - len(made) :], strict=True))
    if any(one.keyword != _keyword(entry.created_by) for one, entry in pairs):
        return tuple(steps)
    sizes = {one.index: entry.size_bytes for one, entry in pairs}
    return tuple(replace(step, layer_bytes=sizes.get(step.index)) for step in steps)


def _in_image(dockerfile: Dockerfile, target: str | None) -> Iterator[Instruction]:
    """The instructions whose layers the image has: of the target, and of what it is FROM."""
    chain = [dockerfile.target(target)]
    while (parent := dockerfile.stages[chain[-1]].parent) is not None:
        chain.append(parent)
    for stage in reversed(chain):
        yield from dockerfile.triggers.get(stage, ())
        yield from (dockerfile.instructions[one] for one in dockerfile.stages[stage].instructions)


def _keyword(created_by: str) -> str:
    """The keyword of what made a step; what is not written as an instruction is a RUN's command."""
    found = _WORDS.match(created_by.strip())
    return "RUN" if found is None else found[1]
