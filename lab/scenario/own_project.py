"""A scenario for the user's own Dockerfile: `lab run --dockerfile` runs it, `lab new` writes it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.dockerfile import parser, stand_ins
from lab.dockerfile.context import ignore_of
from lab.dockerfile.model import Dockerfile
from lab.host import git
from lab.host.own_folders import is_own
from lab.model.errors import InputError

BASE = "BASE"  # the build argument that hands a base to a Dockerfile of the user's own
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


def read(
    context: Path, dockerfile: str, build_args: Mapping[str, str] | None = None
) -> Dockerfile | None:
    """The Dockerfile, parsed; None where it is none: whoever builds it says why."""
    try:
        return parser.parse((context / dockerfile).read_text(encoding="utf-8"), build_args)
    except (OSError, ValueError):
        return None


def declared(file: Dockerfile) -> frozenset[str]:
    """The build arguments that a Dockerfile takes."""
    arguments = (step.operands for step in file.instructions if step.keyword == "ARG")
    return frozenset(word.partition("=")[0] for text in arguments for word in text.split())


def use(name: str) -> str:
    """The lines that a Dockerfile needs, to take a build argument."""
    return "'ARG BASE' above 'FROM $BASE'" if name == BASE else f"'ARG {name}'"


def named_in(known: Collection[str]) -> str:
    """Which images could have been meant."""
    return f"one of {', '.join(sorted(known))}" if known else "nothing: it names no image"


def refuse_unread(
    project: Project, bases: Sequence[str], images: Mapping[str, str]
) -> dict[str, str]:
    """Raise InputError where the Dockerfile would take no notice of what is given it. Returns the
    images for references in it; others stand for one of ``bases``.
    """
    file = read(project.context, project.dockerfile)
    if file is None:
        return dict(images)
    place = project.context / project.dockerfile
    if bases and BASE not in declared(file):
        raise InputError(
            f"{place} is built on no base that is named: it takes no build argument {BASE}",
            remedy=f"write {use(BASE)} in it; or compare what changes, without the Dockerfile",
        )
    known = stand_ins.named(file)
    for ref in images:
        if ref not in known and ref not in bases:
            raise InputError(
                f"--base-image {ref}: {place} does not name that image",
                remedy=f"before the = belongs {named_in({*known, *bases})}",
            )
    return {ref: image for ref, image in images.items() if ref in known}


def commented(
    project: Project,
    folder: Path,
    engines: Sequence[str] = ENGINES,
    bases: Sequence[object] = (),
    images: Mapping[str, str] | None = None,
) -> str:
    """The scenario's text, with comments; paths in it count from ``folder``. Unless there are
    ``bases``, as entries of a scenario, the Dockerfile's own is built on, or what ``images`` says
    by its reference.
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
        *(
            ["  images: # what is built on instead of images that no registry is asked for"]
            * bool(images)
        ),
        *(f"    {json.dumps(ref)}: {json.dumps(name)}" for ref, name in (images or {}).items()),
        "# Each round builds with nothing cached, with nothing changed, and after an edit.",
        f"phases: [cold, rebuild, {json.dumps(edit)}]",
    ]
    if project.edited:
        text = json.dumps(_remark(project.edited))
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


def fresh(
    project: Project,
    engine: str,
    caches: Sequence[str],
    *,
    rounds: int,
    bases: Sequence[str] = (),
    images: Mapping[str, str] | None = None,
) -> str:
    """The text of a scenario that builds with each of ``caches`` on fresh engines, after an edit
    of the file that changes often, else of an instruction.
    """
    work = {"context": str(project.context.absolute()), "dockerfile": project.dockerfile}
    said: dict[str, object] = {
        "name": project.name,
        "engines": [engine],
        "caches": [*caches],
        "workload": work | ({"images": dict(images)} if images else {}),
        "phases": ["cold", "fresh:file" if project.edited else "fresh:instruction"],
        "rounds": rounds,
    }
    if bases:
        said["bases"] = [*bases]
    if project.edited:
        appended = {"path": project.edited, "text": _remark(project.edited)}
        said["edits"] = {"file": [{"append": appended}]}
    return json.dumps(said)


def _remark(edited: str) -> str:
    return f"{_BY_ENDING[Path(edited).suffix]} {{token}}\n".lstrip()


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
