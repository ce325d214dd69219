"""The commit, branch and CI job of what is built: read from git, and from the CI's variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lab.host import ci, process
from lab.host.own_folders import is_own
from lab.model.errors import LabError
from lab.model.origin import Origin

_TIMEOUT_S = 30.0
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
# Nothing of a user's repository is written or run: no refreshed index, no file system monitor.
_GIT = ("git", "-c", "core.fsmonitor=false")
_READS_ONLY = {"GIT_OPTIONAL_LOCKS": "0"}


def of(folder: Path, variables: Mapping[str, str] | None = None) -> Origin:
    """The origin of the files in a folder; what neither git nor a CI service says is None.

    A CI's variables tell of the checkout that the job made: of another repository's files they
    only say in which job those were built.
    """
    variables = os.environ if variables is None else variables
    here, top = _of_git(folder)
    service = ci.service(variables)
    if service is None:
        return here
    told = ci.origin(service, variables)
    if not _same(here, top, told, ci.folder(service, variables)):
        return replace(here, ci=told.ci, job=told.job, url=told.url)
    commit = here.commit or told.commit
    return replace(
        told,
        commit=commit,
        head=None if told.head == commit else told.head,
        branch=told.branch or here.branch,
        dirty=here.dirty,
    )


def _same(here: Origin, top: Path | None, told: Origin, checkout: Path | None) -> bool:
    """Whether the CI's variables are about these files: of one commit, or of one checkout."""
    if here.commit is None or here.commit in {told.commit, told.head}:
        return True
    return top is not None and checkout is not None and top == checkout.resolve()


def _of_git(folder: Path) -> tuple[Origin, Path | None]:
    """Commit, branch and dirtiness of a work tree, and its top; nothing of what is in none."""
    try:
        top = _git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
        if not _git(folder, "ls-files", "-z", "--", ".")[:1]:
            return Origin(), None  # a folder that git passes over is of no commit
        status = _git(
            folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "."
        )
    except LabError:  # no git, no repository, no right to read it
        return Origin(), None
    heads: dict[str, str] = {}
    dirty = False
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry.startswith("# branch."):
            name, _, value = entry.removeprefix("# branch.").partition(" ")
            heads[name] = value
        elif entry.startswith("? "):
            dirty = dirty or not is_own(Path(top) / entry[2:])
        elif entry:
            dirty = True
            if entry.startswith("2 "):
                next(entries, None)  # a renamed file's earlier name stands for itself
    commit = heads.get("oid", "")
    branch = heads.get("head", "")
    return Origin(
        commit=commit if _COMMIT.fullmatch(commit) else None,
        branch=None if branch in {"", "(detached)"} else branch,
        dirty=dirty,
    ), Path(top)


def _git(folder: Path, *words: str) -> str:
    done = process.run(
        [*_GIT, *words], folder=folder, environment=_READS_ONLY, timeout_s=_TIMEOUT_S
    )
    return done.out
