"""Kinds of edits, and what each engine's cache was seen to make of them.

kinds.yaml says what is built and edited, measured.json what came of it: `make matrix` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any, Literal

from lab.scenario import yaml_source

Cell = Literal["hit", "miss", "refused", "unknown"]
MEASURED = "measured.json"
FLAGS = ("alone", "archive", "cautious", "outside", "session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file, or what else lies at a path: of a context, or behind an address (``etag``).

    ``tar`` are the names and texts of the files of an archive, which has the time ``mtime``.
    """

    text: str = ""
    mode: int | None = None
    owner: tuple[int, int] = (0, 0)
    mtime: int = 0
    link: str = ""
    folder: bool = False
    xattr: Mapping[str, str] = field(default_factory=dict)
    tar: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is built: the text of a stage, and all that the build can depend on besides.

    ``served`` lies behind a URL; ``commits`` and ``branch`` are numbers of commits on the two
    branches of a git repository; ``secret`` is what a client hands over.
    """

    head: str = ""
    stage: str = ""
    files: Mapping[str, Placed] = field(default_factory=dict)
    served: Mapping[str, Placed] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    commits: int = 0
    branch: int = 0
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of edit: from ``before`` to ``after``. kinds.yaml says what the fields mean."""

    number: int
    group: str
    name: str
    at: str
    like: str
    before: State
    after: State
    probe: str = ""
    alone: bool = False
    archive: bool = False
    cautious: bool = False
    outside: bool = False
    session: bool = False

    @property
    def title(self) -> str:
        """Its name in the matrix."""
        return f"{self.group}: {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What was seen: by engine, by a kind's title. ``versions`` are those that answered.

    Refused: the engine cannot build it. Unknown: nobody has asked it yet.
    """

    versions: Mapping[str, str]
    cells: Mapping[str, Mapping[str, Cell]]


@cache
def kinds() -> tuple[Kind, ...]:
    """All kinds, in the order of the page."""
    text = resources.files(__package__).joinpath("kinds.yaml").read_text(encoding="utf-8")
    entries: Any = yaml_source.read(text).data  # a file of ours: a mistake in it fails the tests
    return tuple(_kind(number, entry) for number, entry in enumerate(entries))


@cache
def measured() -> Matrix:
    """What `make matrix` saw at last."""
    text = resources.files(__package__).joinpath(MEASURED).read_text(encoding="utf-8")
    return Matrix(**json.loads(text))


def _kind(number: int, entry: dict[str, Any]) -> Kind:
    said = dict(entry)
    then = said.pop("then")
    before = {name: said.pop(name) for name in State.__dataclass_fields__ if name in said}
    flags = {name: said.pop(name, "") == "true" for name in FLAGS}
    first = _state(State(), before)
    return Kind(
        number=number, before=first, after=_state(first, then), **{"like": ""} | said, **flags
    )


def _state(base: State, given: Mapping[str, Any]) -> State:
    changes: dict[str, Any] = {}
    for name, value in given.items():
        known = getattr(base, name)
        if name in {"files", "served"}:
            found = known | {path: one and _placed(one) for path, one in value.items()}
            changes[name] = {path: one for path, one in found.items() if one is not None}
        elif isinstance(known, int):
            changes[name] = int(value)
        else:
            changes[name] = {**known, **value} if isinstance(value, dict) else value or ""
    return replace(base, **changes)


def _placed(value: str | dict[str, Any]) -> Placed:
    if isinstance(value, str):
        return Placed(text=value)
    found = dict(value)
    user, group = found.pop("owner", (0, 0))
    return Placed(
        owner=(int(user), int(group)),
        mode=int(found.pop("mode"), 8) if "mode" in found else None,
        mtime=int(found.pop("mtime", 0)),
        folder=found.pop("folder", "") == "true",
        **found,
    )
