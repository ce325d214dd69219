"""A scenario for the user's own Dockerfile: `lab run --dockerfile` runs it, `lab new` writes it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host.process import run
from lab.model.errors import InputError, LabError

ENGINES = ("docker", "podman")
COMMITS = 200  # of the history, for what is edited often
# What makes a line a comment, by a file's ending: such a line changes the file and nothing else.
_COMMENTS = {
    "//": (".go", ".js", ".ts", ".jsx", ".tsx", ".java", ".c", ".cc", ".cpp", ".h", ".rs", ".kt"),
    "#": (".py", ".sh", ".rb", ".yaml", ".yml", ".toml", ".pl", ".r", ".ex", ".exs"),
    "": (".txt", ".md", ".rst"),
}
_BY_ENDING = {ending: mark for mark, endings in _COMMENTS.items() for ending in endings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """``context`` is a folder; ``dockerfile`` and ``edited``, which changes often, are in it."""

    context: Path
    dockerfile: str
    edited: str | None

    @property
    def name(self) -> str:
        """A scenario's name, made of the folder's."""
        word = re.sub(r"[^a-z0-9-]+", "-", self.context.absolute().name.lower()).strip("-")
        return word[:40] or "project"


def found(dockerfile: Path, context: Path | None) -> Project:
    """The project of a Dockerfile. Raises InputError where it is not in its context."""
    if not dockerfile.is_file():
        raise InputError(f"there is no file {dockerfile}", remedy="name the Dockerfile to build")
    folder = context or dockerfile.parent
    if not folder.is_dir():
        raise InputError(f"the context {folder} is no folder", remedy="--context DIR names one")
    inside = os.path.relpath(dockerfile.absolute(), folder.absolute())
    if inside.startswith(".."):
        raise InputError(
            f"{dockerfile} lies outside of the context {folder}",
            remedy="name by --context a folder that holds both",
        )
    return Project(context=folder, dockerfile=inside, edited=_edited(folder, inside))


def commented(project: Project, folder: Path, engines: Sequence[str] = ENGINES) -> str:
    """The scenario's text, with comments; paths in it count from ``folder``."""
    context = os.path.relpath(project.context.absolute(), folder.absolute())
    edit = "edit:file" if project.edited else "edit:instruction"
    lines = [
        "# What a change costs with this Dockerfile; docs/scenarios.md has every field.",
        f"name: {project.name}",
        f"engines: [{', '.join(map(json.dumps, engines))}]",
        "# bases: [bookworm, trixie]   # handed to the Dockerfile as the build argument BASE",
        "# axes: {VERSION: [1, 2]}     # build arguments of your own, and their values",
        "workload:",
        f"  context: {json.dumps(context)}",
        f"  dockerfile: {json.dumps(project.dockerfile)}",
        "# Each round builds with nothing cached, with nothing changed, and after an edit.",
        f"phases: [cold, rebuild, {json.dumps(edit)}]",
    ]
    if project.edited:
        mark = _BY_ENDING[Path(project.edited).suffix]
        text = json.dumps(f"{mark} {{token}}\n".lstrip())
        lines += [
            "edits:",
            f"  file: [append: {{path: {json.dumps(project.edited)}, text: {text}}}]",
        ]
    lines += [
        "# Rounds go on until each comparison is decided, or is the same within 5 %.",
        'rounds: {min: 3, max: 15, until: "±5%"}',
        "# expect: [{after: rebuild, hit_rate: {at_least: 1}}]   # broken: exit code 3",
    ]
    return "\n".join(lines) + "\n"


def _edited(folder: Path, dockerfile: str) -> str | None:
    """The file that the history changes most often, of those that a comment can change."""
    names = _history(folder) or sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    counts = Counter(
        name
        for name in names
        if Path(name).suffix in _BY_ENDING and name != dockerfile and (folder / name).is_file()
    )
    # Of equals the first by name: the same project gives the same scenario.
    return min(counts, key=lambda name: (-counts[name], name), default=None)


def _history(folder: Path) -> list[str]:
    command: list[str | Path] = [
        "git",
        "-C",
        folder,
        "-c",
        "core.quotePath=false",
        "log",
        f"-n{COMMITS}",
    ]
    try:
        said = run([*command, "--format=", "--name-only", "--relative"]).out
    except LabError:  # no git, no repository, no commit: the files themselves will do
        return []
    return said.splitlines()
