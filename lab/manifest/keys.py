"""Cache keys by an engine's rules: a step's key holds its own parts and the keys it stands on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from lab.manifest.facts import Manifest, StepFacts
from lab.manifest.rules import Rules, facets, linked, previous


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One step's key. ``after`` is what the next step stands on."""

    own: str
    after: str


def keys(
    manifest: Manifest, rules: Rules, outputs: Mapping[int, str] | None = None
) -> dict[int, Key]:
    """The key of every step that the engine keeps one for, by the instruction's index.

    ``outputs`` are names of what steps really left, where it is known: who copies from a stage
    sees those, and not how the stage was made.
    """
    found: dict[int, Key] = {}
    told = outputs or {}
    for step in manifest.steps:
        if not linked(step, rules):
            continue
        parts = facets(manifest, step, rules)
        before = previous(manifest, step, rules)
        stands_on = "" if before is None else found[before].after
        read = [
            _output(manifest, one.step, rules, found, told)
            for one in step.reads
            if one.how == "copy" or rules.mounts
        ]
        if step.keyword == "FROM":
            one = stands_on or _digest(sorted(parts.items()))
            found[step.index] = Key(own=one, after=one)
        elif step.link and rules.links:
            own = _digest(sorted(parts.items()), read)
            found[step.index] = Key(own=own, after=_digest(stands_on, own))
        else:
            own = _digest(stands_on, sorted(parts.items()), read)
            found[step.index] = Key(own=own, after=own)
    return found


def _output(
    manifest: Manifest, index: int, rules: Rules, found: Mapping[int, Key], told: Mapping[int, str]
) -> str:
    step: StepFacts = manifest.step(index)
    while not linked(step, rules):
        step = manifest.step(step.previous or 0)
    return told.get(step.index, found[step.index].after)


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(errors="surrogateescape"), digest_size=12).hexdigest()
