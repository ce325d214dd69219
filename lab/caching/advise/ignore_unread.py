"""Lines of .dockerignore for what of the context no build reads. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.go_reads import reads
from lab.caching.advise.narrow_copy import go_alone, unstamped
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.text_edit import short
from lab.dockerfile.cachekey.sources import chosen, operands, patterns
from lab.dockerfile.model import Instruction

_UNBUILT = (".git", ".github", ".gitlab", "*.md", "docs", ".vscode", ".idea", "LICENSE")


def ignored(view: DockerfileView) -> Iterator[Rewrite]:
    """Lines of .dockerignore for what no build reads."""
    whole = [one for one in view.parsed.instructions if _copies_all(one)]
    if not whole or view.given.own_ignore is not None:
        return
    for pattern in _unread(view, whole):
        end = "" if not view.ignore or view.ignore.endswith("\n") else "\n"
        yield Rewrite(
            kind="a .dockerignore line",
            why=f"{short(whole[0])} takes {pattern}, which no instruction names",
            dockerfile=view.parsed.text,
            ignore=f"{view.ignore}{end}{pattern}\n",
            alters=_lost(view, whole, pattern),
        )


def _copies_all(one: Instruction) -> bool:
    """Whether an instruction copies the whole context, by whatever means."""
    if one.keyword not in {"COPY", "ADD"} or one.flag("from") is not None:
        return False
    return any(posixpath.normpath(word) == "." for word in operands(one)[:-1])


def _unread(view: DockerfileView, whole: Sequence[Instruction]) -> Iterator[str]:
    """Patterns of what lies in the context, and no other instruction than these names or sees."""
    others = " ".join(one.text for one in view.parsed.instructions if one not in whole)
    seen = _seen_beside(view, whole)
    lines = {line.strip().rstrip("/") for line in view.ignore.splitlines()}
    for pattern in _UNBUILT:
        stem = pattern.removeprefix("*")
        there = {
            path
            for path in view.context.entries
            if (path.endswith(stem) if pattern.startswith("*") else path.split("/")[0] == pattern)
        }
        if there and not there & seen and pattern not in lines and stem not in others:
            yield pattern


def _seen_beside(view: DockerfileView, whole: Sequence[Instruction]) -> set[str]:
    """What of the context other steps than these copies see."""
    found: set[str] = set()
    for one in view.parsed.instructions:
        words = [mount.get("source", mount.get("src", ".")) for mount in one.mounts
                 if mount["type"] == "bind" and "from" not in mount]  # fmt: skip
        if one.keyword in {"COPY", "ADD"} and one not in whole and one.flag("from") is None:
            words += operands(one)[:-1]
        words = ["." if "$" in word else word for word in words]
        found |= set(chosen(view.context.entries, patterns(words))) if words else set()
    return found


def _lost(view: DockerfileView, whole: Sequence[Instruction], pattern: str) -> str:
    """How the image could miss what a pattern keeps back; empty: it cannot."""
    stem = pattern.removeprefix("*")
    for copy in whole:
        place = view.place(copy)
        if place is None or copy.stage is None or view.taken(copy.stage, place):
            return f"the image no longer holds {pattern}"
        builds = go_alone(view, copy)
        wanted = None if builds is None else reads(view, builds)
        if wanted is None:
            return f"a program below {short(copy)} may read {pattern}"
        if pattern == ".git" and (why := unstamped(view, copy)):
            return why
        read = wanted.files | wanted.folders
        inside = any(
            path.endswith(stem) and any(path.startswith(f"{top}/") for top in wanted.folders)
            for path in view.context.entries
        )
        if pattern in read or (pattern.startswith("*") and inside):
            return f"a Go package may embed {pattern}"
    return ""
