"""The edits that are weighed where nobody names any: of files that people do change."""

from __future__ import annotations

from pathlib import Path

from lab.dockerfile.edits import Inputs
from lab.host import git

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
    changed = git.changed(folder, COMMITS)
    often = sorted((path for path in files if changed[path]), key=lambda path: -changed[path])
    if often:
        return [f"file:{path}" for path in sorted(often[:SAMPLED])]
    tracked = set(git.tracked(folder))
    files = [path for path in files if path in tracked] or files
    step = max(1, -(-len(files) // SAMPLED))
    return [f"file:{path}" for path in sorted(files)[::step]]
