"""Two states of a build, before and after: what would run, and why. Nothing is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.caching.explain import Explanation, Known, explain
from lab.caching.predict.cache_simulator import CacheSimulator, predict
from lab.dockerfile import dockerignore
from lab.dockerfile import parser as dockerfiles
from lab.dockerfile.cachekey import CacheInputs, Rules, by_clients
from lab.dockerfile.cachekey.builder import Facts, facts, ignored, of_files
from lab.dockerfile.cachekey.rules import files
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.record import Build, Step


def text_of(dockerfile: Path) -> str:
    """A Dockerfile's text, as bytes that are not UTF-8 leave it. Raises InputError for a program,
    an archive or a picture, and where it cannot be read.
    """
    try:
        data = dockerfile.read_bytes()
    except OSError as error:
        raise InputError(
            f"{dockerfile} cannot be read: {error.strerror}", remedy="name a Dockerfile"
        ) from error
    if b"\0" in data:
        raise InputError(f"{dockerfile} is no text file", remedy="name a Dockerfile")
    return data.decode(errors="surrogateescape")


def inputs(
    dockerfile: Path, context: Path | None, build_args: Mapping[str, str], target: str | None
) -> Inputs:
    """A Dockerfile and its context from disk; the context is the Dockerfile's folder unless given.

    Raises InputError where they cannot be read.
    """
    text = text_of(dockerfile)
    folder = dockerfile.parent if context is None else context
    try:
        inside = dockerfile.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        inside = dockerfile.name
    return Inputs(
        dockerfile=text,
        dockerfile_path=inside,
        context=Context.from_folder(folder, dockerfile=inside),
        build_args=build_args,
        target=target,
        own_ignore=_own_ignore(folder / f"{inside}{dockerignore.NAME}"),
    )


def _own_ignore(file: Path) -> str | None:
    """The context has been read by it: it is text."""
    return file.read_text(encoding="utf-8") if file.is_file() else None


def manifest(given: Inputs, *, moved: bool = False, known: Facts = facts) -> CacheInputs:
    """The manifest of inputs; a moved base has a digest that nobody has seen. ``known`` is
    what is known of an entry of the context.
    """
    try:
        context = given.full_context()
        return of_files(
            dockerfiles.parse(given.dockerfile, given.build_args),
            {path: known(entry) for path, entry in context.entries.items()},
            dockerfile_path=given.dockerfile_path,
            build_args=given.build_args,
            target=given.target,
            digest=lambda ref: f"{ref} (moved)" if moved else ref,
            ignore=ignored(context) if given.own_ignore is None else given.own_ignore,
        )
    except dockerfiles.DockerfileError as error:
        remedy = "mend the Dockerfile, or name one of its stages with --target"
        raise InputError(f"{given.dockerfile_path}: {error}", remedy=remedy) from error


def missing(made: CacheInputs) -> list[tuple[str, str]]:
    """Steps that would fail, and what they copy that the context has not."""
    return [
        (step.text, pattern)
        for step in made.steps
        if made.stages[step.stage].needed
        for pattern in step.sources
        if pattern != "." and "$" not in pattern and not chosen(made.files, [pattern])
    ]


def kept_back(made: CacheInputs, looked_at: Rules) -> list[str]:
    """Steps that see more in an archive, as the lab sends it, than by the engine's own client."""
    clients = by_clients(looked_at)
    return [
        step.text
        for step in made.steps
        if files(made, step, looked_at) != files(made, step, clients)
    ]


def whatif(
    before: CacheInputs,
    after: CacheInputs,
    rules: Rules,
    *,
    name: str = "after",
    instructions: Mapping[int, str] | None = None,
) -> Explanation:
    """What would run of ``after``, had ``before`` just been built, and why."""
    memory = CacheSimulator()
    first = _known(before, predict(before, rules, memory).outcomes, "cold", rules)
    second = _known(after, predict(after, rules, memory).outcomes, name, rules, instructions)
    return explain(second, [first], rules)


def _known(
    made: CacheInputs,
    outcomes: Mapping[int, Outcome | None],
    name: str,
    rules: Rules,
    instructions: Mapping[int, str] | None = None,
) -> Known:
    texts = instructions or {}
    steps = tuple(
        Step(
            index=step.index,
            stage=made.stages[step.stage].name,
            instruction=texts.get(step.index, step.text),
            outcome=outcomes[step.index],
        )
        for step in made.steps
    )
    build = Build(
        id=name, cell={"engine": rules.engine}, round=1, phase=name, status="ok", steps=steps
    )
    return Known(build=build, manifest=made)
