"""A scenario for the user's own Dockerfile: `lab run --dockerfile` runs it, `lab new` writes it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.dockerfile.context import ignore_of
from lab.host import git
from lab.host.own_folders import is_own
from lab.model.errors import InputError

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


def commented(
    project: Project,
    folder: Path,
    engines: Sequence[str] = ENGINES,
    bases: Sequence[str] = (),
) -> str:
    """The scenario's text, with comments; paths in it count from ``folder``. Unless ``bases`` are
    named, the Dockerfile's own is built on.
    """
    context = os.path.relpath(project.context.absolute(), folder.absolute())
    edit = "edit:file" if project.edited else "edit:instruction"
    lines = [
        "# What a change costs with this Dockerfile; docs/scenarios.md has every field.",
        f"name: {project.name}",
        f"engines: [{', '.join(map(json.dumps, engines))}]",
        f"bases: [{', '.join(map(json.dumps, bases))}]"
        if bases
        else "# bases: [bookworm, trixie]   # handed to the Dockerfile as the build argument BASE",
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
    """The file that the history changes most often, of those that a comment can change; without a
    history one that git tracks, and without git one as near to the context's root as there is any.
    """

    ignore = ignore_of(folder, dockerfile)

    def fits(name: str) -> bool:
        right = Path(name).suffix in _BY_ENDING and name != dockerfile
        return right and not (ignore and ignore.excludes(name))

    counts = git.changed(folder, COMMITS) or Counter(git.tracked(folder))
    there = [name for name in counts if fits(name) and (folder / name).is_file()]
    if there:
        # Of equals the first by name: the same project gives the same scenario.
        return min(there, key=lambda name: (-counts[name], name))
    return None if counts else next((name for name in _near(folder) if fits(name)), None)


def _near(folder: Path) -> Iterator[str]:
    """Files by depth, then by name: of a large tree only as much is read as is looked at. What is
    hidden, and what the lab wrote, is passed over.
    """
    level = [""]
    while level:
        below: list[str] = []
        for inside in level:
            with suppress(OSError), os.scandir(folder / inside) as found:
                shown = [one for one in found if not one.name.startswith(".")]
                children = sorted(shown, key=lambda one: one.name)
                prefix = f"{inside}/" if inside else ""
                for one in children:
                    if not one.is_dir(follow_symlinks=False):
                        yield prefix + one.name
                    elif not is_own(Path(one.path)):
                        below.append(prefix + one.name)
        level = below
