"""A git repository's objects through one `git cat-file --batch`, with bounded memory.

Format of trees and of the answers: https://git-scm.com/docs/git-cat-file
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lab.host import process
from lab.model.errors import InputError

TREES_KEPT = 60_000  # parsed trees; a tree of twenty entries takes some 4 kB
FOLDER = "40000"
SUBMODULE = "160000"
FILES = frozenset({"100644", "100755", "100664"})  # the last in old histories alone


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree says of one name. ``mode`` is git's: 100644, 100755, 120000, 40000, 160000."""

    mode: str
    id: str


Tree = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, its tree's, and when it was made (seconds since 1970)."""

    id: str
    tree: str
    at: int


def refused(folder: Path, option: str, said: str) -> InputError:
    """Why git answers nothing there: there is no repository, or it may not be read."""
    if "not a git repository" in said:
        return InputError(
            f"{folder} is in no git repository",
            remedy=f"it has to be in a git repository: {option} DIR names another folder",
        )
    return InputError(f"git refuses {folder}: {said.strip()}", remedy="do as git says")


class Repository:
    """Reads objects one by one; what was read lately is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.is_dir():
            raise InputError(
                f"{folder} is not a folder",
                remedy="name the folder of a git repository with --repo",
            )
        form = process.run(
            ["git", "rev-parse", "--show-object-format"],
            folder=folder,
            codes=(0, 128),
            environment={"LC_ALL": "C"},
        )
        if form.code:
            raise refused(folder, "--repo", form.err)
        self.hash = form.out.strip()  # as hashlib names it too: sha1, sha256
        self._width = 32 if self.hash == "sha256" else 20
        self._talk = process.Conversation(["git", "cat-file", "--batch"], folder=folder)
        self._trees: OrderedDict[str, Tree] = OrderedDict()

    def commits(self, count: int | None, *, first_parent: bool = False) -> Iterator[Commit]:
        """The last commits of HEAD, oldest first; parents before their children."""
        command = ["git", "log", "--topo-order", "--reverse", "--format=%H %T %ct"]
        command += ["--first-parent"] if first_parent else []
        # --reverse is done after -n has chosen, as git-log says
        command += [] if count is None else [f"-n{count}"]
        self._begun("name another repository with --repo")
        done = process.run(
            [*command, "HEAD"],
            folder=self._folder,
            error=InputError,
            remedy="repair the repository: git fsck says what it lacks",
        )
        for line in done.out.splitlines():
            name, tree, at = line.split()
            yield Commit(name, tree, int(at))

    def commit(self, name: str) -> Commit:
        """The commit that a name stands for: a branch, a tag, an id, HEAD~2. Raises InputError."""
        there = process.run(
            ["git", "log", "-1", "--format=%H %T %ct", "--end-of-options", name, "--"],
            folder=self._folder,
            codes=(0, 128),
        )
        words = there.out.split()
        if there.code or len(words) != 3:
            self._begun("commit first: what is compared are commits")
            raise InputError(
                f"git knows no commit {name!r} in {self._folder}",
                remedy="name a branch, a tag or a commit that `git log` shows; a shallow clone has "
                "the last one alone (actions/checkout: fetch-depth: 0)",
            )
        return Commit(words[0], words[1], int(words[2]))

    def _begun(self, remedy: str) -> None:
        """Raise InputError where no commit is checked out yet, as after `git init`."""
        there = process.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"], folder=self._folder, codes=(0, 1)
        )
        if there.code:
            raise InputError(f"{self._folder} has no commit yet", remedy=remedy)

    def sizes(self, tree: str) -> dict[str, int]:
        """The bytes of each file below a tree, by path."""
        told = process.run(
            ["git", "ls-tree", "-r", "-l", "-z", "--full-tree", tree],
            folder=self._folder,
            error=InputError,
            remedy="fetch the whole history: a shallow or partial clone lacks objects",
        )
        found = {}
        for line in told.out.split("\0"):
            head, _, path = line.partition("\t")
            size = head.split()[-1:]  # "-" of a submodule
            if path and size[0].isdecimal():
                found[path] = int(size[0])
        return found

    def tree(self, name: str) -> Tree:
        """The entries of a tree."""
        known = self._trees.get(name)
        if known is not None:
            self._trees.move_to_end(name)
            return known
        found = _parse(self.object(name), self._width)
        self._trees[name] = found
        if len(self._trees) > TREES_KEPT:
            self._trees.popitem(last=False)
        return found

    def object(self, name: str) -> bytes:
        """The bytes of an object. Raises InputError where there is none."""
        self._talk.write(f"{name}\n".encode())
        head = self._talk.line().split()
        if len(head) != 3:
            raise InputError(
                f"git has no object {name} in {self._folder}",
                remedy="fetch the whole history: a shallow or partial clone lacks objects",
            )
        data = self._talk.read(int(head[2]))
        self._talk.read(1)
        return data

    def below(self, commit: Commit, folder: str) -> Commit | None:
        """The commit with a folder of it for its tree, empty: as it is; None where it has none."""
        if not folder:
            return commit
        entry = self.find(commit.tree, folder)
        found = entry is not None and entry.mode == FOLDER
        return replace(commit, tree=entry.id) if found and entry is not None else None

    def find(self, tree: str, path: str) -> Entry | None:
        """The entry at a path below a tree."""
        entry = Entry(FOLDER, tree)
        for part in path.split("/"):
            if entry.mode != FOLDER:
                return None
            below = self.tree(entry.id).get(part)
            if below is None:
                return None
            entry = below
        return entry

    def close(self) -> None:
        """End git."""
        self._talk.close()


def _parse(data: bytes, width: int) -> Tree:
    found: Tree = {}
    at, end = 0, len(data)
    while at < end:
        space = data.index(b" ", at)
        nul = data.index(b"\0", space)
        mode = data[at:space].decode()
        name = data[space + 1 : nul].decode(errors="surrogateescape")
        found[name] = Entry(mode, data[nul + 1 : nul + 1 + width].hex())
        at = nul + 1 + width
    return found
