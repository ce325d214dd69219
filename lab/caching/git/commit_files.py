"""A commit's files as a checkout of it would be sent to an engine, by their ids: none is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lab.caching.git.objects import FOLDER, SUBMODULE, Entry, Repository
from lab.dockerfile.cachekey import FileFacts
from lab.model.errors import InputError

LINK = "120000"
EXECUTABLE = "100755"

# By a submodule's path: the repository that is checked out there, None where there is none.
Submodules = Callable[[str], Repository | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The modes that a checkout gives: git keeps no more than who may execute, the umask does."""

    plain: int = 0o644
    executable: int = 0o755
    folder: int = 0o755

    @classmethod
    def usual(cls, modes: Iterable[tuple[str, int]]) -> Modes:
        """Those that most have, of pairs of kind ("plain", "executable", "folder") and mode."""
        counts: dict[str, Counter[int]] = {}
        for kind, mode in modes:
            counts.setdefault(kind, Counter())[mode] += 1
        return cls(**{kind: found.most_common(1)[0][0] for kind, found in counts.items()})


def below(repository: Repository, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
    """All that a tree holds, folders before what lies in them."""
    for name, entry in repository.tree(tree).items():
        path = f"{prefix}{name}"
        yield path, entry
        if entry.mode == FOLDER:
            yield from below(repository, entry.id, f"{path}/")


def commit_files(
    repository: Repository, tree: str, modes: Modes, submodules: Submodules
) -> dict[str, FileFacts]:
    """What a checkout of the tree sends, by path; a file's content is told by its blob's id.

    Of a submodule that is not checked out nobody knows more than its commit: it counts as a file.
    """
    found: dict[str, FileFacts] = {}
    for path, entry in below(repository, tree):
        if entry.mode == FOLDER:
            found[path] = FileFacts(kind="directory", content="", mode=modes.folder)
        elif entry.mode == LINK:
            target = repository.object(entry.id).decode(errors="surrogateescape")
            found[path] = FileFacts(kind="link", content=target, mode=0o777)
        elif entry.mode == SUBMODULE:
            found |= _submodule(path, entry.id, modes, submodules)
        else:
            mode = modes.executable if entry.mode == EXECUTABLE else modes.plain
            found[path] = FileFacts(kind="file", content=entry.id, mode=mode)
    return found


def _submodule(
    path: str, commit: str, modes: Modes, submodules: Submodules
) -> dict[str, FileFacts]:
    inside = submodules(path)
    try:
        tree = None if inside is None else inside.commit(commit).tree
    except InputError:  # checked out, but that commit was never fetched
        tree = None
    if inside is None or tree is None:
        return {path: FileFacts(kind="file", content=commit, mode=0)}
    files = commit_files(inside, tree, modes, lambda more: submodules(f"{path}/{more}"))
    folder = FileFacts(kind="directory", content="", mode=modes.folder)
    return {path: folder} | {f"{path}/{name}": facts for name, facts in files.items()}
