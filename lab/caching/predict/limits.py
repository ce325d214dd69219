"""What no prediction of steps says: builds that would fail, and what an archive would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import CacheInputs, Rules, StepFacts, archive_rules, client_rules
from lab.dockerfile.cachekey.rules import counted, files
from lab.dockerfile.cachekey.sources import chosen, wild
from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import parse
from lab.engines import features
from lab.model.text_wrap import wrapped


def limits(given: Inputs, inputs: CacheInputs, engines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What a user should know before the predictions, by engines' names and versions."""
    for one in failing(inputs, engines):
        yield f"{one.text[:60]} {one.why}"
    parsed = parse(given.dockerfile, given.build_args)
    yield from _unknown_triggers(given, parsed)
    yield from _disputed(inputs)
    for name, version in engines:
        if lacks := features.lacks(name, version, parsed, session=True):
            yield from wrapped(f"{name} cannot build this: {lacks[0]}")
        for step in kept_back(inputs, name, version):
            yield f"{name}: {step[:50]} would see the Dockerfile in an archive,"
            yield "  as lab run sends it; clients keep it back, as .dockerignore says"


def _unknown_triggers(given: Inputs, parsed: Dockerfile) -> Iterator[str]:
    """Bases whose name says that they bring triggers, where nobody gave the image."""
    for index in sorted(parsed.needed(given.target)):
        base = parsed.stages[index].base
        if "onbuild" in base and parsed.stages[index].parent is None and base not in given.triggers:
            yield f"FROM {base}: its triggers (ONBUILD) are not known here, and are left out;"
            yield f"  give the image: --base-image {base}=docker:{base}, or an archive of it"


def _disputed(inputs: CacheInputs) -> Iterator[str]:
    """Files that one client sends and another keeps back, by the same .dockerignore.

    Docker 28.2.2's command was asked, and that of 20.10.24 and podman 4.3.1, which the lab follows.
    """
    ignore = dockerignore.parse(inputs.ignore or "")
    always = {inputs.dockerfile, dockerignore.NAME}
    sent = [path for path in inputs.files if path not in always and not ignore.excludes(path)]
    if lost := sorted(filter(ignore.excludes_on_the_way, sent)):
        more = f" and {len(lost) - 1} more" if lost[1:] else ""
        yield f"{lost[0]}{more}: sent by podman 4.3 and docker 20.10, kept back by docker 28: a !"
        yield "  line of .dockerignore names a folder, or a part of it, that is not left out;"
        yield "  `!FOLDER/**` means the same to all of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingStep:
    """A step that would end the build, and why; ``everywhere``: on each of the engines asked."""

    index: int
    text: str
    why: str
    everywhere: bool


def failing(inputs: CacheInputs, engines: Sequence[tuple[str, str]]) -> Iterator[FailingStep]:
    """The steps that copy what the context has not."""
    found: dict[tuple[int, str, str], list[str]] = {}
    for name, version in engines:
        for step, pattern in missing_sources(inputs, archive_rules(name, version)):
            told = found.setdefault((step.index, step.text, pattern), [])
            told.append(f"{name} {version}".strip())
    for (index, text, pattern), where in found.items():
        everywhere = len(where) == len(engines)
        which = "" if everywhere else f" on {' and '.join(where)}"
        why = f"would fail{which}: the context has no {pattern} (see its .dockerignore)"
        yield FailingStep(index=index, text=text, why=why, everywhere=everywhere)


def missing(inputs: CacheInputs, rules: Rules) -> list[tuple[str, str]]:
    """Steps that would fail, and what they copy that the context has not."""
    return [(step.text, pattern) for step, pattern in missing_sources(inputs, rules)]


def missing_sources(inputs: CacheInputs, rules: Rules) -> Iterator[tuple[StepFacts, str]]:
    """The same with all that is known of the step."""
    for step in counted(inputs.steps, inputs, rules):
        yield from ((step, pattern) for pattern in _missing(inputs, step, rules))


def _missing(inputs: CacheInputs, step: StepFacts, rules: Rules) -> list[str]:
    """A source with a wildcard may match nothing, as `COPY go.mod go.su[m] ./` makes use of: seen
    on docker 20.10.24 and 28.5.2, podman 4.3.1 and 5.8.6. Podman wants one of them to match.
    """
    known = [one for one in step.sources if one != "." and "$" not in one]
    lost = [one for one in known if not chosen(inputs.files, [one])]
    needed = [one for one in lost if not wild(one)]
    if needed or rules.copies_nothing or len(lost) < len(step.sources):
        return needed
    return lost


def kept_back(inputs: CacheInputs, engine: str, version: str = "") -> list[str]:
    """Steps that see more in an archive, as the lab sends it, than by the engine's own client."""
    archive, client = archive_rules(engine, version), client_rules(engine, version)
    return [
        step.text
        for step in inputs.steps
        if files(inputs, step, archive) != files(inputs, step, client)
    ]
