"""A Dockerfile and its context from disk, and the cache inputs of what would be built of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.dockerfile import dockerignore
from lab.dockerfile import parser as dockerfiles
from lab.dockerfile.cachekey import CacheInputs
from lab.dockerfile.cachekey.builder import ignored, of_files
from lab.dockerfile.cachekey.file_facts import Facts, facts
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import DockerfileError
from lab.dockerfile.triggers import Triggers
from lab.model.errors import InputError


def read_text(dockerfile: Path) -> str:
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


def read(
    dockerfile: Path,
    context: Path | None,
    build_args: Mapping[str, str],
    target: str | None,
    triggers: Triggers | None = None,
) -> Inputs:
    """A Dockerfile and its context from disk; the context is the Dockerfile's folder unless given.
    ``triggers`` are those that base images bring.

    Raises InputError where they cannot be read.
    """
    text = read_text(dockerfile)
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
        triggers=triggers or {},
    )


def _own_ignore(file: Path) -> str | None:
    """The context has been read by it: it is text."""
    return file.read_text(encoding="utf-8") if file.is_file() else None


def cache_inputs(given: Inputs, *, moved: bool = False, known: Facts = facts) -> CacheInputs:
    """The cache inputs of a build; a moved base has a digest that nobody has seen. ``known`` is
    what is known of an entry of the context.
    """
    try:
        context = given.full_context()
        return of_files(
            dockerfiles.parse(given.dockerfile, given.build_args, given.triggers),
            {path: known(entry) for path, entry in context.entries.items()},
            dockerfile_path=given.dockerfile_path,
            build_args=given.build_args,
            target=given.target,
            digest=lambda ref: f"{ref} (moved)" if moved else ref,
            ignore=ignored(context) if given.own_ignore is None else given.own_ignore,
        )
    except DockerfileError as error:
        remedy = "correct the Dockerfile, or name one of its stages with --target"
        raise InputError(f"{given.dockerfile_path}: {error}", remedy=remedy) from error
