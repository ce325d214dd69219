"""A build context as a value: paths and what lies at them, wherever it came from."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from lab.dockerfile import dockerignore
from lab.dockerfile import tar as archive
from lab.dockerfile.entries import Directory, Entry, File, Link, chunks
from lab.dockerfile.tar import Archive
from lab.host.own_folders import is_own
from lab.model.errors import InputError


@dataclass(frozen=True, slots=True)
class Context:
    """Entries by their path: relative, separated by slashes, without ``.`` and ``..``."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole: dict[str, Entry] = {}
        for path, entry in self.entries.items():
            for parent in _parents(clean(path)):
                above = whole.get(parent) or self.entries.get(parent, Directory())
                if above.kind != "directory":
                    raise InputError(
                        f"{path!r} lies below {parent!r}, which is a {above.kind} in the context",
                        remedy="name a path that passes through folders only",
                    )
                whole[parent] = above
            whole[path] = entry
        object.__setattr__(self, "entries", MappingProxyType(whole))

    @classmethod
    def of_files(cls, files: Mapping[str, bytes | str]) -> Context:
        """A context of plain files with mode 0644."""
        return cls(
            {
                clean(path): File(data.encode() if isinstance(data, str) else data)
                for path, data in files.items()
            }
        )

    @classmethod
    def from_folder(
        cls, path: Path, *, dockerignore: bool = True, dockerfile: str = "Dockerfile"
    ) -> Context:
        """What a folder holds; large files stay on disk until they are sent.

        The folder's .dockerignore is obeyed here as a client does, so that every engine is sent
        the same. It and the Dockerfile are always part of the context. What the lab itself wrote
        never is (lab.host.own_folders).
        """
        if not path.is_dir():
            raise InputError(f"{path} is not a folder", remedy="name the folder to build from")
        return cls(
            dict(walk(path, ignore_of(path, dockerfile) if dockerignore else None, dockerfile))
        )

    @classmethod
    def from_tar(cls, file: BinaryIO) -> Context:
        """What `archive` wrote. Raises InputError where it is none."""
        entries: dict[str, Entry] = {}
        try:
            with tarfile.open(fileobj=file, mode="r:") as members:
                for one in members:
                    held = members.extractfile(one) if one.isreg() else None
                    if held is not None:
                        owner, mtime = (one.uid, one.gid), int(one.mtime)
                        entries[clean(one.name)] = File(held.read(), one.mode, mtime, owner)
                    elif one.issym():
                        entries[clean(one.name)] = Link(one.linkname)
                    elif one.isdir():
                        entries[clean(one.name)] = Directory(one.mode)
        except tarfile.TarError as error:
            raise InputError(f"no archive of a context: {error}", remedy="send it again") from error
        return cls(entries)

    def with_file(self, path: str, data: bytes, *, mode: int | None = None) -> Context:
        """With a file written; a file that is there keeps its mode unless one is given."""
        path = clean(path)
        there = self.entries.get(path)
        if there is not None and there.kind != "file":
            raise _no_file(path, there)
        if there is None:
            return self.with_entry(path, File(data, 0o644 if mode is None else mode))
        mode = there.mode if mode is None else mode
        return self.with_entry(path, File(data, mode, owner=there.owner))

    def with_entry(self, path: str, entry: Entry) -> Context:
        """With an entry put in or replaced."""
        path = clean(path)
        there = self.entries.get(path)
        if there is not None and (there.kind == entry.kind or there.kind != "directory"):
            # nothing else changes: to look at all the others again would be most of the work
            made = Context()
            object.__setattr__(made, "entries", MappingProxyType({**self.entries, path: entry}))
            return made
        return Context({**self.entries, path: entry})

    def without(self, path: str) -> Context:
        """Without an entry, and without what lies below it."""
        path = clean(path)
        if path not in self.entries:
            raise _missing(path)
        return Context(
            {
                name: entry
                for name, entry in self.entries.items()
                if name != path and not name.startswith(f"{path}/")
            }
        )

    def kept(self, ignore: dockerignore.Ignore, always: Collection[str]) -> Context:
        """What a .dockerignore lets through; the ``always`` paths are sent whatever it says."""
        return Context(
            {
                path: entry
                for path, entry in self.entries.items()
                if path in always or not ignore.excludes(path)
            }
        )

    def file(self, path: str) -> File:
        """The file at a path. Raises InputError where there is none."""
        path = clean(path)
        entry = self.entries.get(path)
        if entry is None:
            raise _missing(path)
        if entry.kind != "file":
            raise _no_file(path, entry)
        return entry

    def read(self, path: str) -> bytes:
        """The bytes of the file at a path."""
        data = self.file(path).data
        if isinstance(data, bytes):
            return data
        try:
            return b"".join(chunks(data))
        except OSError as exc:
            raise InputError(
                f"{data} cannot be read: {exc.strerror}",
                remedy="make it readable, or name it in .dockerignore",
            ) from exc

    def archive(self) -> Archive:
        """The context as a deterministic tar. The caller closes it."""
        return archive.write(self.entries)


def clean(path: str) -> str:
    """The path as contexts spell it. Raises InputError where it leads out of the context."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or not parts or "\0" in path:
        raise InputError(
            f"{path!r} is not a path inside the build context",
            remedy="write it relative to the context's folder, without '..'",
        )
    return "/".join(parts)


def _parents(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _missing(path: str) -> InputError:
    return InputError(
        f"there is no {path!r} in the build context",
        remedy="check the path; it is relative to the context's folder, after .dockerignore",
    )


def _no_file(path: str, entry: Entry) -> InputError:
    return InputError(
        f"{path!r} is a {entry.kind} in the build context, not a file",
        remedy="name a regular file; links are not followed",
    )


def ignore_of(folder: Path, dockerfile: str = "Dockerfile") -> dockerignore.Ignore | None:
    """What a folder's ignore file says; None without one.

    A Dockerfile's own ignore file goes before the folder's, as in BuildKit.
    """
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        file = folder / name
        if file.is_file():
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as exc:
                raise InputError(
                    f"{file} cannot be read: {exc}", remedy="save it as UTF-8, readable for you"
                ) from exc
            return dockerignore.parse(text, name=str(file))
    return None


def walk(
    folder: Path,
    ignore: dockerignore.Ignore | None,
    dockerfile: str = "Dockerfile",
    *,
    passed_over: str | None = None,
    own: bool = False,
) -> Iterator[tuple[str, Entry]]:
    """What of a folder is sent, one by one: a folder, what lies in it, its next neighbour.

    Nothing of the name ``passed_over`` is looked at. ``own``: what the lab itself wrote too, as
    other clients send it. Raises InputError where something cannot be
    read or sent.
    """
    always = frozenset({clean(dockerfile), ".dockerignore"})
    return _Walk(folder.resolve(), ignore or dockerignore.Ignore(), always, passed_over, own).below(
        ""
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    root: Path
    ignore: dockerignore.Ignore
    always: frozenset[str]
    passed_over: str | None
    own: bool

    def below(self, inside: str) -> Iterator[tuple[str, Entry]]:
        for child in self._children(inside):
            path = f"{inside}/{child.name}" if inside else child.name
            if child.name == self.passed_over:
                continue
            excluded = self.ignore.excludes(path) and path not in self.always
            if child.is_dir(follow_symlinks=False):
                if self.own or not is_own(self.root / path):
                    yield from self._folder(child, path, excluded=excluded)
            elif not excluded:
                yield path, _entry(child)

    def _folder(
        self, child: os.DirEntry[str], path: str, *, excluded: bool
    ) -> Iterator[tuple[str, Entry]]:
        """A folder that is kept back is sent all the same where something in it is."""
        forced = any(name.startswith(f"{path}/") for name in self.always)
        if excluded and not forced and not self.ignore.may_keep_below(path):
            return
        below = self.below(path)
        first = next(below, None) if excluded else None
        if first is None and excluded:
            return
        yield path, Directory(stat.S_IMODE(child.stat(follow_symlinks=False).st_mode))
        if first is not None:
            yield first
        yield from below

    def _children(self, inside: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / inside) as found:
                return sorted(found, key=lambda child: child.name)
        except OSError as exc:
            raise InputError(
                f"{self.root / inside} cannot be read into the build context: {exc.strerror}",
                remedy="make it readable, or name it in .dockerignore",
            ) from exc


def _entry(child: os.DirEntry[str]) -> Entry:
    facts = child.stat(follow_symlinks=False)
    if stat.S_ISLNK(facts.st_mode):
        return Link(os.readlink(child.path))  # noqa: PTH115 - Path would tidy the target
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(
            f"{child.path} is neither a file, a folder nor a link: it cannot be sent to an engine",
            remedy="move it away, or name it in .dockerignore",
        )
    return File(Path(child.path), stat.S_IMODE(facts.st_mode), max(int(facts.st_mtime), 0))
