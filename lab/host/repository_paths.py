"""Where a file lies in its repository: what CI systems know it by."""

from __future__ import annotations

import os
from pathlib import Path


def shown(path: Path) -> str:
    """The path from the root of the git work tree that holds it, else from the current folder;
    the whole path where it lies in neither. With "/" between folders.
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are: git knows those
    roots = [folder for folder in whole.parents if (folder / ".git").exists()][:1]
    for root in (*roots, Path.cwd()):
        if whole.is_relative_to(root):
            return whole.relative_to(root).as_posix()
    return whole.as_posix()
