"""Cache keys by an engine's rules: its own parts, and the keys that it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.dockerfile.cachekey.inputs import CacheInputs, StepFacts
from lab.dockerfile.cachekey.rules import Rules, counted, linked, of_files, of_text, previous
from lab.dockerfile.cachekey.stage_contents import Origin, origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One step's key. ``after`` is what the next step depends on."""

    own: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One step of a chain: its ``name`` as records have it, the digest of its parts but for
    files, and the steps that it depends on.

    ``taken`` says whether the engine goes through the step for this target.
    """

    step: StepFacts
    name: str
    parts: str
    before: int | None
    reads: tuple[Origin, ...]
    apart: bool
    taken: bool


class Chain:
    """A Dockerfile's steps as an engine chains them, made once for any number of contexts."""

    def __init__(self, inputs: CacheInputs, rules: Rules) -> None:
        self.inputs = inputs
        self.rules = rules
        taken = {step.index for step in counted(inputs.steps, inputs, rules)}
        steps = inputs.by_index
        self.links = tuple(
            Link(
                step=step,
                name=" ".join(step.text.partition("\n")[0].split()),
                parts=_digest(sorted(of_text(inputs, step, rules).items())),
                before=previous(steps, step, rules),
                reads=origins(steps, step, rules),
                apart=step.link and rules.links,
                taken=step.index in taken,
            )
            for step in inputs.steps
            if linked(step, rules)
        )

    def keys(self, files: Callable[[StepFacts], str]) -> dict[int, Key]:
        """The key of every link, by index. ``files`` digests what a step reads of the context."""
        found: dict[int, Key] = {}
        alone: dict[int, str] = {}  # of a step what it brings by itself, whatever stood before it
        for link in self.links:
            step = link.step
            depends_on = "" if link.before is None else found[link.before].after
            if step.keyword == "FROM":
                key = depends_on or link.parts
                found[step.index] = Key(own=key, after=key)
                continue
            read = "".join([found[o.step].after if o.whole else alone[o.step] for o in link.reads])
            context = files(step) if step.sources or step.mounts else ""
            alone[step.index] = _digest(link.parts, context)
            own = _digest("" if link.apart else depends_on, link.parts, read, context)
            after = _digest(depends_on, own) if link.apart else own
            found[step.index] = Key(own=own, after=after)
        return found


def keys(inputs: CacheInputs, rules: Rules) -> dict[int, Key]:
    """The key of every step that the engine keeps one for, by the instruction's index."""
    return Chain(inputs, rules).keys(lambda step: of_context(inputs, step, rules))


def of_context(inputs: CacheInputs, step: StepFacts, rules: Rules) -> str:
    """A digest of what a step reads of the context."""
    return _digest(sorted(of_files(inputs, step, rules).items()))


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(errors="surrogateescape"), digest_size=12).hexdigest()
