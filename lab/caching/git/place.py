"""Where a Dockerfile and its context lie in a git repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab.caching.git.objects import refused
from lab.dockerfile import dockerignore
from lab.host import process
from lab.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``folder`` is the context on disk, ``inside`` where it lies in the repository (empty: at its
    root). ``dockerfile`` is the file on disk, ``path`` its place in the context, and ``held`` its
    place in the repository; None where it lies outside of it, and is the same for all commits.
    """

    folder: Path
    inside: str
    dockerfile: Path
    path: str
    held: str | None

    @property
    def ignore_files(self) -> tuple[str, str]:
        """Where an ignore file can be in the repository: the Dockerfile's own goes first."""
        own = self.held if self.held is not None else f"{self.inside}/{self.path}".lstrip("/")
        return f"{own}{dockerignore.NAME}", f"{self.inside}/{dockerignore.NAME}".lstrip("/")


def place(dockerfile: Path, context: Path | None) -> Place:
    """Find them. Neither the file nor, in a bare repository, the folder need be on disk.

    Raises InputError where the context is in no repository.
    """
    folder = dockerfile.parent if context is None else context
    if not folder.is_dir():
        raise InputError(f"the context {folder} is no folder", remedy="--context DIR names one")
    told = process.run(
        ["git", "rev-parse", "--show-prefix", "--is-inside-work-tree"],
        folder=folder,
        codes=(0, 128),
        environment={"LC_ALL": "C"},
    )
    if told.code:
        raise refused(folder, "--context", told.err)
    prefix, _, within = told.out.partition("\n")
    inside = prefix.rstrip("/") if within.strip() == "true" else ""
    away = os.path.relpath(dockerfile.absolute(), folder.absolute())
    held = os.path.normpath(os.path.join(inside, away))  # noqa: PTH118 - paths in a repository
    return Place(
        folder=folder,
        inside=inside,
        dockerfile=dockerfile,
        path=dockerfile.name if away.startswith("..") else away,
        held=None if held.startswith("..") else held,
    )
