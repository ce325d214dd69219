"""Commands that fetch dependencies: which files they read, and when they surely read no others."""

from __future__ import annotations

from dataclasses import dataclass

from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.shell_commands import Command, reads_variable
from lab.caching.advise.tools import KINDS, Kind, plain
from lab.dockerfile.model import Instruction

_HARMLESS = frozenset({"true", "echo", "set", "sleep"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What a fetching RUN reads. ``writes``: what it may write that a later copy would restore."""

    files: tuple[str, ...]
    writes: str = ""


def fetch(run: Instruction, view: DockerfileView) -> Fetch | None:
    """What a RUN that only fetches dependencies reads; None for any other RUN.

    None as well where its files name folders of the context: then it reads more than they.
    """
    commands = view.commands(run)
    if not commands or any(mount["type"] == "bind" for mount in run.mounts):
        return None
    found = [_fetch(one, run, view) for one in commands if one.program not in _HARMLESS]
    fetches = [one for one in found if one is not None]
    files = tuple(dict.fromkeys(file for one in fetches for file in one.files))
    if not files or len(fetches) < len(found):
        return None
    return Fetch(
        files=files,
        writes=next((one.writes for one in fetches if one.writes), ""),
    )


def doubt(run: Instruction, view: DockerfileView) -> str | None:
    """Why a RUN that fetches dependencies may read more than the files that name them; None where
    it surely reads no more, or fetches none.
    """
    for one in map(plain, view.commands(run) or ()):
        kind = _kind(one)
        if kind is None or not any(name in view.context.entries for name in kind.files(one)):
            continue
        if why := _doubt(one, kind, run, view):
            return why
    return None


def _kind(one: Command) -> Kind | None:
    return next((kind for kind in KINDS if kind.fits(one)), None)


def _fetch(one: Command, run: Instruction, view: DockerfileView) -> Fetch | None:
    """What one command that fetches dependencies reads; None for any other."""
    one = plain(one)
    kind = _kind(one)
    if kind is None or _doubt(one, kind, run, view) is not None:
        return None
    there = tuple(name for name in kind.files(one) if name in view.context.entries)
    return None if kind.files(one) and not there else Fetch(files=there, writes=kind.writes(one))


def _doubt(one: Command, kind: Kind, run: Instruction, view: DockerfileView) -> str | None:
    """Why a command may read more than its kind's files."""
    named = kind.files(one)
    there = [name for name in named if name in view.context.entries]
    link = next((name for name in there if view.text(name) is None), None)
    if link is not None:
        return f"{link} is no plain file"  # what it leads to would have to be copied too
    more = sorted(_named(one, run, view) - set(named))
    if more:
        return f"it names {more[0]}"  # a folder of wheels, another settings file
    if _elsewhere(one, named):
        return "an option or a variable of it names a place"
    beside = sorted({name.split("/")[0] for name in view.context.entries} & kind.bars)
    if beside:
        return f"{beside[0]} lies beside"
    if kind.reads_more(view.text, one):
        return f"{', '.join(there) or 'its words'} may name more of the context, or run some of it"
    return None


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
