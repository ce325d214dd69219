"""What differs between two manifests, by what made it so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.caching.manifests.model import Item, Manifest

Kind = Literal[
    "pointers", "submodules", "line-ends", "content", "links", "types", "extra", "missing", "case",
    "executable", "umask", "git", "owners", "times",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "pointers", "submodules", "line-ends", "content", "links", "types", "extra", "missing", "case",
    "executable", "umask", "git", "owners", "times",
)  # fmt: skip
_EXECUTE = 0o111


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path, and one thing of it that is another; None where there is nothing on that side."""

    kind: Kind
    path: str
    one: Item | None
    other: Item | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All differences of one kind, by path."""

    kind: Kind
    found: tuple[Difference, ...]


def differences(one: Manifest, other: Manifest) -> tuple[Group, ...]:
    """What differs, what changes contents first, what no engine looks at last."""
    by_kind: dict[Kind, list[Difference]] = {}
    for found in _all(one, other):
        by_kind.setdefault(found.kind, []).append(found)
    return tuple(Group(kind=kind, found=tuple(by_kind[kind])) for kind in KINDS if kind in by_kind)


def _all(one: Manifest, other: Manifest) -> Iterator[Difference]:
    submodules = {*one.head.submodules, *other.head.submodules}
    folded = [{path.casefold(): path for path in side.items} for side in (one, other)]
    for path in sorted(one.items.keys() | other.items.keys()):
        was, now = one.items.get(path), other.items.get(path)
        if was is None or now is None:
            there = folded[1] if now is None else folded[0]
            kind = _alone(path, was or now, submodules, there)
            yield Difference(kind=kind, path=path, one=was, other=now)
        else:
            for kind in _both(was, now):
                yield Difference(kind=kind, path=path, one=was, other=now)


def _alone(path: str, item: Item | None, submodules: set[str], there: Mapping[str, str]) -> Kind:
    """Why one side alone has a path."""
    if any(path.startswith(f"{one}/") for one in submodules):
        return "submodules"
    if path.casefold() in there:
        return "case"
    if item is not None and item.type == "git":
        return "git"
    return "missing" if item is not None and item.git == "tracked" else "extra"


def _both(was: Item, now: Item) -> Iterator[Kind]:
    if was.type == "git" and now.type == "git":
        yield "git"
        return
    if was.type != now.type:
        # without core.symlinks git writes a link as a file of what it leads to
        pair = {was.type: was, now.type: now}
        yield "links" if pair.keys() == {"link", "file"} else "types"
        return
    if was.type == "link" and was.target != now.target:
        yield "links"
    if was.type == "file" and was.sha256 != now.sha256:
        yield _content(was, now)
    if was.type != "link" and was.mode != now.mode:
        yield _mode(was, now)
    if (was.uid, was.gid) != (now.uid, now.gid):
        yield "owners"
    if was.type == "file" and was.mtime != now.mtime:
        yield "times"


def _content(was: Item, now: Item) -> Kind:
    if (was.pointer is None) != (now.pointer is None):
        return "pointers"
    plain = [item.lf_sha256 or item.sha256 for item in (was, now)]
    return "line-ends" if plain[0] == plain[1] else "content"


def _mode(was: Item, now: Item) -> Kind:
    """Another umask gives group and others less or more; who may execute is in git's hands."""
    before, after = int(was.mode, 8), int(now.mode, 8)
    runs = bool(before & _EXECUTE) != bool(after & _EXECUTE)
    return "executable" if runs and was.type == "file" else "umask"
