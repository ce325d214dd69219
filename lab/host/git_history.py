"""Commits and tags of a git history, read by git itself; nothing is changed or checked out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host.process import run
from lab.model.errors import InputError

_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{7,64})", re.MULTILINE)
_REMEDY = "name a repository with --repo, its main branch with --branch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """``at`` is when it was made, ``written`` when its author wrote it: seconds since 1970.
    ``reverts`` are the commits that its message says it takes back.
    """

    id: str
    at: float
    written: float
    subject: str
    parents: tuple[str, ...]
    reverts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """``at`` is when it was set: of a tag without a date of its own, when its commit was made."""

    name: str
    commit: str
    at: float


def commits(repository: Path, branch: str) -> list[Commit]:
    """All commits that a branch has, newest first. Raises InputError where there is none such."""
    form = "%H%x00%ct%x00%at%x00%P%x00%s%x00%b%x01"
    text = _git(repository, "log", "--topo-order", f"--format={form}", "--end-of-options", branch)
    found = []
    for record in text.split("\x01"):
        if record.strip():
            name, at, written, parents, subject, body = record.strip("\n").split("\x00", 5)
            found.append(
                Commit(
                    id=name,
                    at=float(at),
                    written=float(written),
                    subject=subject,
                    parents=tuple(parents.split()),
                    reverts=tuple(_REVERTS.findall(body)),
                )
            )
    return found


def tags(repository: Path, pattern: str) -> list[Tag]:
    """The tags of a pattern such as ``v*``, oldest first."""
    form = "%(refname:strip=2)%00%(objectname)%00%(*objectname)%00%(creatordate:unix)"
    text = _git(repository, "for-each-ref", f"--format={form}", f"refs/tags/{pattern}")
    found = []
    for line in text.splitlines():
        name, own, peeled, at = line.split("\x00")
        if at:
            found.append(Tag(name=name, commit=peeled or own, at=float(at)))
    return sorted(found, key=lambda one: one.at)


def _git(repository: Path, *words: str) -> str:
    # Nothing of a user's is run: no monitor of files, no check of signatures.
    safe = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false")
    command: Sequence[str] = ("git", "--no-optional-locks", *safe, "-C", str(repository), *words)
    return run(command, error=InputError, remedy=_REMEDY).out
