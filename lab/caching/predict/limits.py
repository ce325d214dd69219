"""What no prediction of steps says: builds that would fail, and what an archive would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.dockerfile.cachekey import CacheInputs, archive_rules, client_rules
from lab.dockerfile.cachekey.rules import files
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.edits import Inputs
from lab.dockerfile.parser import parse
from lab.engines import features
from lab.model.text_wrap import wrapped


def limits(given: Inputs, inputs: CacheInputs, engines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What a user should know before the predictions, by engines' names and versions."""
    for step, pattern in missing(inputs):
        yield f"{step[:60]} would fail: the context has no {pattern} (see its .dockerignore)"
    parsed = parse(given.dockerfile, given.build_args)
    for name, version in engines:
        if lacks := features.lacks(name, version, parsed, session=True):
            yield from wrapped(f"{name} cannot build this: {lacks[0]}")
        for step in kept_back(inputs, name, version):
            yield f"{name}: {step[:50]} would see the Dockerfile in an archive,"
            yield "  as lab run sends it; clients keep it back, as .dockerignore says"


def missing(inputs: CacheInputs) -> list[tuple[str, str]]:
    """Steps that would fail, and what they copy that the context has not."""
    return [
        (step.text, pattern)
        for step in inputs.steps
        if inputs.stages[step.stage].needed
        for pattern in step.sources
        if pattern != "." and "$" not in pattern and not chosen(inputs.files, [pattern])
    ]


def kept_back(inputs: CacheInputs, engine: str, version: str = "") -> list[str]:
    """Steps that see more in an archive, as the lab sends it, than by the engine's own client."""
    archive, client = archive_rules(engine, version), client_rules(engine, version)
    return [
        step.text
        for step in inputs.steps
        if files(inputs, step, archive) != files(inputs, step, client)
    ]
