"""Why a step runs again, as a person would say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.caching.explain.cause_text import shortened, words
from lab.caching.explain.causes import Cause
from lab.caching.why.answer import Standing
from lab.caching.why.states import GIT
from lab.model.units import counted

NAMED = 3  # files that a sentence names


def reasons(causes: Sequence[Cause], standing: Standing) -> list[str]:
    """A sentence's end for each kind of cause, edits of tracked files first."""
    groups: dict[str, list[str]] = {}
    for cause in causes:
        if cause.kind == "file":
            how = _how(cause, standing)
            groups.setdefault(how, []).append(cause.subject)
    ranked = sorted(groups, key=lambda how: _ORDER.index(how) if how in _ORDER else len(_ORDER))
    files = [_files(how, list(dict.fromkeys(groups[how])), standing) for how in ranked]
    others = [_other(cause) for cause in causes if cause.kind != "file"]
    last = [text for text in files if text == _SENT_GIT or text.endswith((_HIDDEN, _OWN))]
    return list(dict.fromkeys([*others, *(text for text in files if text not in last), *last]))


_HIDDEN = "(git ignores it, .dockerignore does not)"
_OWN = "that the lab wrote: name it in .dockerignore"
_SENT_GIT = ".git is in the context, and every commit changes it: name it in .dockerignore"
_ORDER = [
    "is no longer kept back by the ignore file",
    "is kept back by the ignore file now",
    "changed",
    "is new",
    "is gone",
    "is new (git does not track it)",
]


def _how(cause: Cause, standing: Standing) -> str:
    path = cause.subject
    if path == GIT:
        return GIT
    if path in standing.own and cause.aspect == "added":
        return _OWN
    for how, paths in (
        ("is no longer kept back by the ignore file", standing.shown),
        ("is kept back by the ignore file now", standing.hidden),
        (f"is new {_HIDDEN}", standing.ignored),
        ("is new (git does not track it)", standing.untracked),
    ):
        if path in paths and cause.aspect in {"added", "removed"}:
            return how
    plain = {"added": "is new", "removed": "is gone", "content": "changed"}.get(cause.aspect)
    return plain or f"has {cause.aspect} {cause.after}, was {cause.before}"


def _files(how: str, paths: list[str], standing: Standing) -> str:
    if how == GIT:
        return _SENT_GIT
    if how == _OWN:
        folders = dict.fromkeys(standing.own[path] for path in paths)
        return f"{counted(len(paths), 'file')} new in {', '.join(_named([*folders]))}, {_OWN}"
    if len(paths) == 1:
        return f"{paths[0]} {how}"
    several = how.replace("is ", "are ", 1).replace("has ", "have ", 1).replace("was", "were")
    several = several.replace("track it", "track them").replace("ignores it", "ignores them")
    return f"{len(paths)} files {several}: {', '.join(_named(paths))}"


def _named(paths: Sequence[str]) -> Iterator[str]:
    yield from paths[:NAMED]
    if len(paths) > NAMED:
        yield f"and {len(paths) - NAMED} more"


def _other(cause: Cause) -> str:
    match cause.kind:
        case "added":
            return "the instruction is new"
        case "removed":
            return f"{shortened(cause.subject)} is gone from before it"
        case "order":
            return "it stands in another place"
        case "text":
            return f"its text changed, it was {shortened(cause.before)}"
        case _:
            return words([cause])
