"""Commands that fetch dependencies: which files they read, and when they surely read no others."""

from __future__ import annotations

from dataclasses import dataclass

from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.shell_commands import Command, reads_variable
from lab.caching.advise.tools import KINDS
from lab.dockerfile.model import Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What a fetching RUN reads. ``writes``: what it may write that a later copy would restore."""

    files: tuple[str, ...]
    writes: str = ""


def fetch(run: Instruction, view: DockerfileView) -> Fetch | None:
    """What a RUN that only fetches dependencies reads; None for any other RUN.

    None as well where its files name folders of the context: then it reads more than they.
    """
    found = view.commands(run)
    if not found or any(mount["type"] == "bind" for mount in run.mounts):
        return None
    files: list[str] = []
    writes = ""
    for one in found:
        if one.program in {"true", "echo", "set", "sleep"}:
            continue
        kind = next((kind for kind in KINDS if kind.fits(one)), None)
        if kind is None:
            return None
        named = kind.files(one)
        there = [name for name in named if name in view.context.entries]
        if not there or any(view.text(name) is None for name in there):
            return None  # a link: what it leads to would have to be copied too
        if _elsewhere(one, named) or _named(one, run, view) - set(named):
            return None  # a folder of wheels, another settings file
        tops = {name.split("/")[0] for name in view.context.entries}
        if tops & kind.bars or kind.reads_more(view.text, one):
            return None
        files += there
        writes = writes or kind.writes(one)
    return Fetch(files=tuple(dict.fromkeys(files)), writes=writes) if files else None


def _elsewhere(one: Command, named: tuple[str, ...]) -> bool:
    """Whether a command's options or variables name a place of their own."""
    values = [word.partition("=")[2] for word in one.words if "=" in word]
    values = [value for value in values if value.removeprefix("./") not in named]
    found = [*values, *one.environment.values()]
    return any("/" in value or "." in value for value in found if "://" not in value)


def _named(one: Command, run: Instruction, view: DockerfileView) -> set[str]:
    """What of the context a command's words name, and the variables that its program reads."""
    known = {"go": 3, "mvn": 1}.get(one.program, 2)  # go mod download
    texts = [*one.words[known:], *one.environment.values()]
    texts += [text for name, text in view.variables(run) if reads_variable(one, name)]
    return {name for text in texts for name in view.named(text, view.folder(run))}
