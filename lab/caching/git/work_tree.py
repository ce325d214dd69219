"""A work tree as a build of it would be sent, told by the ids that git would give its files.

So it can be compared with a commit of which nothing is checked out. A file that git holds for
unchanged, and that has the size of its blob, is not read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.caching.git.commit_files import EXECUTABLE, Modes, below
from lab.caching.git.objects import FOLDER, Repository
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import FileFacts
from lab.dockerfile.context import walk
from lab.dockerfile.entries import Entry, File, chunks, size, unreadable
from lab.host import git, process
from lab.model.errors import LabError

CONVERTED = 200  # files that a checkout gives otherwise than git keeps them, asked one by one
_AS_WRITTEN = 'git cat-file --filters "$0" | git hash-object --no-filters --stdin'
_POINTER = b"version https://git-lfs"
_POINTER_SIZE = 1024  # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTree:
    """What a folder sends, by path, and the modes that most of its files have."""

    files: Mapping[str, FileFacts]
    modes: Modes


def work_tree(
    folder: Path,
    dockerfile: str,
    ignore: dockerignore.Ignore | None,
    repository: Repository,
    tree: str,
    commit: str,
) -> WorkTree:
    """Read a folder of a work tree, whose ``tree`` the commit has (empty: it has none there).

    Raises InputError where something cannot be read.
    """
    entries = dict(walk(folder, ignore, dockerfile, passed_over=".git", own=True))
    held = below(repository, tree) if tree else ()
    known = {path: one for path, one in held if path in entries and one.mode != FOLDER}
    reader = _Reader(
        folder=folder,
        commit=commit,
        repository=repository,
        blobs={path: one.id for path, one in known.items()},
        sizes=repository.sizes(tree) if tree else {},
        changed=frozenset(git.listed(folder, "diff-index", "--name-only", "--relative", commit)),
    )
    files = {path: reader.facts(path, entry) for path, entry in entries.items()}
    # What has a mode by the umask: git would not have written any other.
    modes = [
        ("executable" if one.mode == EXECUTABLE else "plain", entry.mode)
        for path, one in known.items()
        if isinstance(entry := entries[path], File)
        and bool(entry.mode & 0o100) == (one.mode == EXECUTABLE)
    ]
    folders = [("folder", one.mode) for one in entries.values() if one.kind == "directory"]
    return WorkTree(files=files, modes=Modes.usual([*modes, *folders]))


@dataclass(slots=True, kw_only=True)
class _Reader:
    folder: Path
    commit: str
    repository: Repository
    blobs: Mapping[str, str]
    sizes: Mapping[str, int]
    changed: Collection[str]
    asked: int = 0

    def facts(self, path: str, entry: Entry) -> FileFacts:
        if entry.kind == "link":
            return FileFacts(kind="link", content=entry.target, mode=0o777)
        if entry.kind == "directory":
            return FileFacts(kind="directory", content="", mode=entry.mode)
        return FileFacts(kind="file", content=self._content(path), mode=entry.mode)

    def _content(self, path: str) -> str:
        blob, file = self.blobs.get(path), self.folder / path
        if blob is None or path in self.changed:
            return self._id(file)
        if size(file) == self.sizes.get(path):
            return blob
        return blob if self._is_converted(path, blob) else self._id(file)

    def _is_converted(self, path: str, blob: str) -> bool:
        """Whether a file that git holds for unchanged is so as a checkout writes it: with other
        ends of lines, or with what a pointer of git-lfs stands for. Past CONVERTED files it is.
        """
        small = self.sizes.get(path, 0) <= _POINTER_SIZE
        if small and self.repository.object(blob).startswith(_POINTER):
            return True
        if self.asked >= CONVERTED:
            return True
        self.asked += 1
        try:
            told = process.run(
                ["sh", "-c", _AS_WRITTEN, f"{self.commit}:./{path}"], folder=self.folder
            )
        except LabError:  # its filter is not there
            return False
        return told.out.strip() == self._id(self.folder / path)

    def _id(self, file: Path) -> str:
        """The id of the bytes as they lie there, as git hash-object --no-filters has it."""
        found = hashlib.new(self.repository.hash)
        found.update(f"blob {size(file)}\0".encode())
        try:
            for piece in chunks(file):
                found.update(piece)
        except OSError as error:
            raise unreadable(file, error) from error
        return found.hexdigest()
