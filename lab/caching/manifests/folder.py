"""A folder read as a build context: each entry as it lies there, and how git has it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.caching.manifests.model import Head, Item, LineEnds, Standing
from lab.dockerfile import dockerignore
from lab.dockerfile.context import ignore_of, walk
from lab.dockerfile.entries import CHUNK, Entry, chunks
from lab.host import git, process
from lab.model.errors import InputError, LabError

GIT = ".git"
SUBMODULE = "160000"
# git's settings that make two checkouts of one commit differ: https://git-scm.com/docs/git-config
SETTINGS = ("core.autocrlf", "core.eol", "core.filemode", "core.symlinks", "core.ignorecase")
_SNIFFED = 8000  # bytes without a NUL make a text, as in git's buffer_is_binary
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_SIZE = 1024  # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A folder that is about to be read; its ``items`` are read one by one."""

    head: Head
    items: Iterator[Item]


def scan(folder: Path, dockerfile: str = "Dockerfile", without: Collection[Path] = ()) -> Scan:
    """Read a folder after its ignore file, but for the files ``without``, the lab's own output.

    Raises InputError where something cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", remedy="name the folder to build from")
    text = _ignore_text(folder, dockerfile)
    ignore = ignore_of(folder, dockerfile)
    held = _held(folder)
    head = Head(
        dockerfile=dockerfile,
        ignore=text,
        umask=f"{_umask():04o}",
        commit=_git(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
        settings={
            name: value for name in SETTINGS if (value := _git(folder, "config", "--get", name))
        },
        submodules=held.submodules,
    )
    reader = _Reader(folder=folder, held=held)
    return Scan(head=head, items=reader.items(dockerfile, ignore, without))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What git says of the folder's files; ``known`` is False outside of a repository."""

    known: bool
    tracked: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    submodules: tuple[str, ...] = ()

    def standing(self, path: str) -> Standing | None:
        if not self.known:
            return None
        if path in self.tracked:
            return "tracked"
        if any(path.startswith(f"{one}/") for one in self.submodules):
            return "submodule"
        return "ignored" if path in self.ignored else "untracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    folder: Path
    held: _Held

    def items(
        self, dockerfile: str, ignore: dockerignore.Ignore | None, without: Collection[Path]
    ) -> Iterator[Item]:
        left_out = {str(one.resolve()) for one in without}
        drafts = tuple(str(one.resolve().with_name(f".{one.name}.")) for one in without)
        root = self.folder.resolve()
        if (root / GIT).exists() and not (
            ignore and ignore.excludes(GIT) and not ignore.may_keep_below(GIT)
        ):
            yield Item(path=GIT, type="git", mode="0755", size=_bytes_below(root / GIT))
        for path, entry in walk(self.folder, ignore, dockerfile, passed_over=GIT, own=True):
            full = f"{root}/{path}"
            if full not in left_out and not full.startswith(drafts or ("\0",)):
                yield self._item(path, full, entry)

    def _item(self, path: str, full: str, entry: Entry) -> Item:
        try:
            facts = os.lstat(full)
            if entry.kind == "file":
                return self._file(path, full, facts)
        except OSError as error:
            raise InputError(
                f"{full} cannot be read: {error.strerror}",
                remedy="make it readable, or name it in .dockerignore",
            ) from error
        return Item(
            path=path,
            type=entry.kind,
            mode=f"{stat.S_IMODE(facts.st_mode):04o}",
            uid=facts.st_uid,
            gid=facts.st_gid,
            mtime=max(int(facts.st_mtime), 0),
            target=entry.target if entry.kind == "link" else None,
            git=self.held.standing(path) if entry.kind == "link" else None,
        )

    def _file(self, path: str, full: str, facts: os.stat_result) -> Item:
        content = _Content()
        if facts.st_size <= CHUNK:  # nearly all: the bytes at once
            with open(full, "rb", buffering=0) as file:  # noqa: PTH123 - of many, the fastest
                content.add(file.read())
        else:
            for piece in chunks(Path(full)):
                content.add(piece)
        return Item(
            path=path,
            type="file",
            mode=f"{stat.S_IMODE(facts.st_mode):04o}",
            uid=facts.st_uid,
            gid=facts.st_gid,
            size=content.size,
            mtime=max(int(facts.st_mtime), 0),
            sha256=content.whole.hexdigest(),
            line_ends=content.line_ends(),
            lf_sha256=content.with_line_feeds(),
            pointer=content.pointer(),
            git=self.held.standing(path),
        )


class _Content:
    """What is known of a file's bytes after they went by once."""

    def __init__(self) -> None:
        self.whole = hashlib.sha256()
        self.size = 0
        self._plain = hashlib.sha256()  # with line feeds alone
        self._start = b""
        self._text = True
        self._both = self._feeds = 0
        self._carried = False  # the last byte was a carriage return

    def add(self, piece: bytes) -> None:
        self.whole.update(piece)
        if not self.size:
            self._start = piece[:_POINTER_SIZE]
            self._text = b"\0" not in piece[:_SNIFFED]
        self.size += len(piece)
        if not self._text or not piece:
            return
        if self._carried:
            piece = b"\r" + piece
        self._carried = piece.endswith(b"\r")
        piece = piece[:-1] if self._carried else piece
        both = piece.count(b"\r\n")
        self._both += both
        self._feeds += piece.count(b"\n")
        self._plain.update(piece.replace(b"\r\n", b"\n") if both else piece)

    def line_ends(self) -> LineEnds | None:
        if not self._text:
            return None
        if not self._feeds:
            return "none"
        return "lf" if not self._both else "crlf" if self._both == self._feeds else "mixed"

    def with_line_feeds(self) -> str | None:
        if not self._text or not self._both:
            return None
        if self._carried:
            self._plain.update(b"\r")
            self._carried = False
        return self._plain.hexdigest()

    def pointer(self) -> str | None:
        if self.size > _POINTER_SIZE or not self._start.startswith(_POINTER):
            return None
        for line in self._start.decode(errors="replace").splitlines():
            if line.startswith("oid sha256:"):
                return line.removeprefix("oid sha256:").strip()
        return None


def _held(folder: Path) -> _Held:
    if _git(folder, "rev-parse", "--is-inside-work-tree") != "true":
        return _Held(known=False)
    tracked, submodules = set(), []
    for line in git.paths(folder, "ls-files", "-s"):
        head, _, path = line.partition("\t")
        tracked.add(path)
        if head.startswith(SUBMODULE):
            submodules.append(path)
    ignored = git.paths(folder, "ls-files", "-o", "-i", "--exclude-standard")
    return _Held(
        known=True,
        tracked=frozenset(tracked),
        ignored=frozenset(ignored),
        submodules=tuple(submodules),
    )


def _git(folder: Path, *words: str) -> str | None:
    """One line that git says; None where it says none, or is not there."""
    try:
        told = process.run(["git", "--no-optional-locks", *words], folder=folder)
    except LabError:
        return None
    return told.out.strip() or None


def _ignore_text(folder: Path, dockerfile: str) -> str | None:
    for name in (f"{dockerfile}{dockerignore.NAME}", dockerignore.NAME):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8", errors="replace")
    return None


def _umask() -> int:
    """As Linux tells it without a change of it (proc_pid_status(5)); 022 where it does not."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0o022
    found = [line.split()[1] for line in status.splitlines() if line.startswith("Umask:")]
    return int(found[0], 8) if found else 0o022


def _bytes_below(folder: Path) -> int:
    if folder.is_file():  # of a linked work tree
        return folder.stat().st_size
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # git works in it
                total += os.lstat(f"{inside}/{name}").st_size
    return total
