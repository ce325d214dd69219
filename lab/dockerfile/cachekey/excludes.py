"""What COPY --exclude leaves out, as patterns of a .dockerignore.

Seen on docker 28.5.2 and podman 5.8.6 (tests/contract/test_idioms.py): docker matches them below
each folder that a source names, never what it names itself; podman from the context's root.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey.inputs import StepFacts
from lab.dockerfile.cachekey.sources import chosen

T = TypeVar("T")


def kept(found: Mapping[str, T], step: StepFacts, *, below: bool) -> Mapping[str, T]:
    """Of the entries that a step's sources name, those that it copies."""
    if not step.excludes:
        return found
    copied = {
        path: entry
        for source in step.sources
        for path, entry in chosen(found, [source]).items()
        if not ignore(source, step.excludes, below=below).excludes(path)
    }
    return dict(sorted(copied.items()))


@lru_cache(maxsize=256)
def ignore(source: str, patterns: tuple[str, ...], *, below: bool) -> dockerignore.Ignore:
    """The patterns for one source, from the context's root. Raises InputError."""
    prefix = f"{source}/" if below and source != "." else ""
    lines = [
        f"!{prefix}{pattern[1:].lstrip('/')}"
        if pattern.startswith("!")
        else f"{prefix}{pattern.lstrip('/')}"
        for pattern in patterns
    ]
    return dockerignore.parse("\n".join(lines), name="--exclude")
