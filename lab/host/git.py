"""What git knows of a folder: which files it tracks, and which its history changes.

Source: https://git-scm.com/docs/git-log (--relative, -z) and git-ls-files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lab.host import process
from lab.model.errors import InputError, LabError


def changed(folder: Path, commits: int) -> Counter[str]:
    """How often each path below the folder is in the last commits; of merges nothing is."""
    return Counter(paths(folder, "log", f"-n{commits}", "--name-only", "--relative", "--format="))


def tracked(folder: Path) -> Sequence[str]:
    """The paths below the folder that git tracks."""
    return paths(folder, "ls-files")


def uncommitted(folder: Path, inside: str = "") -> set[str]:
    """The tracked paths below the folder, which lies ``inside`` the work tree, that are not as in
    HEAD. `git diff` would write the index anew where a file has only another time.
    """
    lines = paths(folder, "status", "--porcelain", "--no-renames", "--untracked-files=no")
    prefix = f"{inside}/" if inside else ""
    return {line[3:].removeprefix(prefix) for line in lines}


def paths(folder: Path, *words: str) -> Sequence[str]:
    """The same as `listed`; none where git cannot tell: it is no repository, or has no commit."""
    try:
        return listed(folder, *words)
    except LabError:
        return ()


def listed(folder: Path, *words: str) -> Sequence[str]:
    """The paths that a git command tells of what lies below the folder. Nothing of the repository
    is written. Raises InputError where git refuses.
    """
    # Nothing of a user's is run either: no file system monitor.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *words, "-z", "--", "."]
    told = process.run(command, folder=folder, error=InputError, remedy="see what git says of it")
    return [path.strip("\n") for path in told.out.split("\0") if path.strip("\n")]
