"""Which steps of a stage what is copied from it can depend on. Pure.

Builders look at what COPY --from copies, not at how it was made: tried on docker 20.10.24, its
first builder and podman 4.3.1. So a step that writes elsewhere does not count. A RUN can write
anywhere, and what it leaves depends on all that stands above it.

Links are known as far as every distribution has them (/bin is /usr/bin); one of a base's own, or of
the context, that leads from one place of a COPY to another is not seen.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from lab.dockerfile.cachekey.inputs import Reading, StepFacts, Steps
from lab.dockerfile.cachekey.rules import Rules, linked

_MERGED = re.compile(r"^/(bin|sbin|lib|lib32|lib64|libx32)(?=/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A step that a copied path can depend on: on all above it, or (not ``whole``) on it alone."""

    step: int
    whole: bool


def origins(steps: Steps, step: StepFacts, rules: Rules) -> tuple[Origin, ...]:
    """What a step's COPY --from, or its mounts of other stages, can depend on."""
    found: dict[Origin, None] = {}
    for reading in step.reads:
        if reading.how == "copy" or rules.mounts:
            found |= dict.fromkeys(_of_reading(steps, reading, rules))
    return tuple(found)


def _of_reading(steps: Steps, reading: Reading, rules: Rules) -> list[Origin]:
    by_content = rules.contents if reading.how == "copy" else rules.mount_contents
    if not by_content:
        return [Origin(step=_linked(steps, reading.step, rules), whole=True)]
    return [one for path in reading.paths for one in _of_path(steps, reading.step, path, rules)]


def _of_path(steps: Steps, last: int, path: str, rules: Rules) -> list[Origin]:
    found: list[Origin] = []
    at: int | None = last
    while at is not None:
        step = steps[at]
        copies = step.keyword in {"COPY", "ADD"}
        opaque = step.keyword == "RUN" or ((copies or step.keyword == "WORKDIR") and not step.place)
        if opaque or step.previous is None:
            return [*found, Origin(step=_linked(steps, at, rules), whole=True)]
        if step.keyword == "WORKDIR" and _touches(step.place, path):
            found.append(Origin(step=at, whole=False))
        elif copies and _touches(step.place, path):
            found.append(Origin(step=at, whole=False))
            for reading in step.reads:
                found += _of_reading(steps, reading, rules)
        at = step.previous
    return found


def _touches(place: str, path: str) -> bool:
    """Whether one lies in the other."""
    one, other = (_MERGED.sub(r"/usr/\1", posixpath.normpath(name)) for name in (place, path))
    one, other = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return one.startswith(other) or other.startswith(one)


def _linked(steps: Steps, index: int, rules: Rules) -> int:
    """The step itself, or the last one before it that the engine keeps a key for."""
    step = steps[index]
    while not linked(step, rules) and step.previous is not None:
        step = steps[step.previous]
    return step.index
