"""The edits that are weighed where nobody names any: of files that people do change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lab.dockerfile.edits import Inputs
from lab.host import process
from lab.model.errors import InputError, LabError

SAMPLED = 40  # files whose change is tried
COMMITS = 500  # the last commits that say what is changed


def usual_edits(given: Inputs, folder: Path) -> list[str]:
    """An edit of each file of the context that git says is changed, else of each that it tracks,
    else of each; never of git's own files. Of many files those that change most, or some all over.
    """
    files = [
        path
        for path, entry in given.context.entries.items()
        if entry.kind == "file"
        and path not in {given.dockerfile_path, ".dockerignore"}
        and ".git" not in path.split("/")
    ]
    changed = Counter(_git(folder, "log", f"-n{COMMITS}", "--name-only", "--relative", "--format="))
    often = sorted((path for path in files if changed[path]), key=lambda path: -changed[path])
    if often:
        return [f"file:{path}" for path in sorted(often[:SAMPLED])]
    tracked = set(_git(folder, "ls-files"))
    files = [path for path in files if path in tracked] or files
    step = max(1, -(-len(files) // SAMPLED))
    return [f"file:{path}" for path in sorted(files)[::step]]


def _git(folder: Path, *words: str) -> Sequence[str]:
    """The paths that git tells of the folder; none where it is no repository, or git is not there.

    Source: https://git-scm.com/docs/git-log (--relative, -z) and git-ls-files.
    """
    try:
        told = process.run(
            ["git", *words, "-z", "--", "."], folder=folder, error=InputError, remedy=""
        )
    except LabError:
        return ()
    return [path.strip("\n") for path in told.out.split("\0") if path.strip("\n")]
