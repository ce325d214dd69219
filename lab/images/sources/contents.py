"""What an image holds, read out of its layers without unpacking them."""

from __future__ import annotations

import io
import os
import posixpath
import re
import tarfile
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lab.model.errors import SourceError

_GLIBC = re.compile(rb"GNU C Library [^\n\0]*version (\d+(?:\.\d+)+)")
_LIBC = re.compile(r"(?:usr/)?lib(?:64|32|x32)?(?:/[^/]+-linux-gnu[^/]*)?/libc\.so\.6")
_MUSL = re.compile(r"(?:usr/)?lib/ld-musl-[^/]+\.so\.1")
_MUSL_VERSION = re.compile(rb"\0(\d+\.\d+\.\d+)\0")
_GO = re.compile(r"go(\d+(?:\.\d+)+\S*)")
GO_VERSION_FILE = "usr/local/go/VERSION"
_READ_LIMIT = 64 << 20
# What tarfile raises on a layer that is damaged, or made to break its reader: sizes beyond all
# files (OverflowError, MemoryError, EINVAL of seek), headers that follow headers (RecursionError).
DAMAGE = (
    tarfile.TarError,
    ValueError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    EOFError,
    OSError,
)
_PATH_MAX = 4096  # the kernel's: no engine makes a file of a longer name
_MAX_MEMBERS = 2_000_000  # the largest images have some hundred thousand
_LINKS = 40  # the kernel's own limit on symbolic links in one path


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One member of one layer. ``written`` is its name as the tar has it, ``kind`` its tar type."""

    layer: int
    offset: int
    size: int
    symlink: str | None
    hardlink: str | None
    folder: bool
    written: str
    kind: bytes
    mode: int
    owner: tuple[int, int]
    mtime: float

    @property
    def file(self) -> bool:
        """Whether it is a plain file that can be read (no link, no sparse file)."""
        return self.kind in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}


class Contents:
    """The merged view of layers, as a container sees it.

    ``nodes`` are the paths that can be seen, ``hidden`` the members of layers below that later
    layers covered or removed. Whiteouts follow
    https://github.com/opencontainers/image-spec/blob/main/layer.md.
    """

    def __init__(self, layers: Sequence[Path]) -> None:
        self._layers = layers
        self.nodes: dict[str, Node] = {}
        self.hidden: list[tuple[str, Node]] = []
        for index, path in enumerate(layers):
            try:
                self._add(index, path)
            except DAMAGE as error:
                why = str(error) or type(error).__name__
                raise SourceError(
                    f"layer {index + 1} is not a whole tar: {why}", remedy="save the image again"
                ) from error

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        node = self.find(path)
        if node is None or node.folder or node.size > _READ_LIMIT:
            return None
        return self.data(node)

    def data(self, node: Node, limit: int | None = None) -> bytes:
        """The bytes of a member, ``limit`` of them at most."""
        with self._layers[node.layer].open("rb") as layer:
            layer.seek(node.offset)
            return layer.read(node.size if limit is None else min(limit, node.size))

    def stream(self, node: Node) -> BinaryIO:
        """The bytes of a member as a stream that can be searched. The caller closes it."""
        layer = self._layers[node.layer].open("rb")
        window: Any = _Window(layer, node.offset, node.size)  # typeshed asks for FileIO's methods
        return io.BufferedReader(window)

    def find(self, path: str) -> Node | None:
        """What a path leads to, links followed within the image and nowhere else."""
        found = self.real(path)
        return None if found is None else self.nodes.get(found)

    def glibc(self) -> str | None:
        """The version that the image's own C library states; None for musl or no library."""
        paths = (path for path in self.nodes if _LIBC.fullmatch(path))
        # A machine's 32-bit library stands beside its own: the 64-bit one is asked first.
        for path in sorted(paths, key=lambda path: ("32" in path or "i386" in path, path)):
            if match := _GLIBC.search(self.read(path) or b""):
                return match[1].decode()
        return None

    def musl(self) -> str | None:
        """The version that the image's musl states; None without one."""
        for path in sorted(path for path in self.nodes if _MUSL.fullmatch(path)):
            data = self.read(path) or b""
            if b"musl libc" in data and (match := _MUSL_VERSION.search(data)):
                return match[1].decode()
        return None

    def go(self) -> str | None:
        """The version of the toolchain at /usr/local/go, without its ``go``; None without one."""
        text = (self.read(GO_VERSION_FILE) or b"").decode(errors="replace")
        match = _GO.match(text)
        return match[1] if match else None

    def _add(self, index: int, path: Path) -> None:
        if path.stat().st_size == 0:
            return  # engines take no bytes for a layer that changes nothing
        lower = _Lower(self.nodes)
        with tarfile.open(path, mode="r:") as tar:
            for count, member in enumerate(tar):
                if count > _MAX_MEMBERS:
                    raise ValueError(f"it has more than {_MAX_MEMBERS} members")
                if len(member.name) > _PATH_MAX:
                    raise ValueError(f"a name in it has {len(member.name)} characters")
                tar.members = []  # type: ignore[attr-defined]  # tarfile keeps all that it has seen
                name = posixpath.normpath("/" + member.name).lstrip("/")
                folder, _, leaf = name.rpartition("/")
                if leaf == ".wh..wh..opq":
                    self._drop(folder, lower, keep_folder=True)
                elif leaf.startswith(".wh."):
                    self._drop(posixpath.join(folder, leaf[4:]), lower, keep_folder=False)
                elif name:
                    if name in self.nodes:
                        self.hidden.append((name, self.nodes[name]))
                    self.nodes[name] = Node(
                        layer=index,
                        offset=member.offset_data,
                        size=member.size,
                        symlink=member.linkname if member.issym() else None,
                        hardlink=member.linkname if member.islnk() else None,
                        folder=not (member.isreg() or member.issym() or member.islnk()),
                        written=member.name,
                        kind=tarfile.GNUTYPE_SPARSE if member.issparse() else member.type,
                        mode=member.mode,
                        owner=(member.uid, member.gid),
                        mtime=member.mtime,
                    )

    def _drop(self, path: str, lower: _Lower, *, keep_folder: bool) -> None:
        gone = [*lower.below(path), *([] if keep_folder else [path])]
        for name in gone:
            if name in lower and (node := self.nodes.pop(name, None)) is not None:
                self.hidden.append((name, node))

    def real(self, path: str) -> str | None:
        """The path without links in it; None where links go round in a circle."""
        todo = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part in {".", ""}:
                continue
            if part == "..":
                del done[-1:]
                continue
            done.append(part)
            node = self.nodes.get("/".join(done))
            target = None if node is None else node.symlink
            if node is not None and node.hardlink is not None:
                target = "/" + node.hardlink.lstrip("/")
            if target is None:
                continue
            links += 1
            if links > _LINKS:
                return None
            done = [] if target.startswith("/") else done[:-1]
            todo.extend(part for part in reversed(target.split("/")) if part)
        return "/".join(done)


class _Lower:
    """The paths below a layer, in order: what a whiteout covers is found without a walk of all."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._known = frozenset(nodes)
        self._sorted = sorted(self._known)
        self._told: set[str] = set()

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def below(self, folder: str) -> Sequence[str]:
        """All below a folder; nothing when it is asked again, for it is gone by then."""
        if folder in self._told:
            return ()
        self._told.add(folder)
        if not folder:
            return self._sorted
        # "0" is the character behind "/".
        return self._sorted[
            bisect_left(self._sorted, f"{folder}/") : bisect_left(self._sorted, f"{folder}0")
        ]


class _Window(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # typeshed: Buffer
        count = max(0, min(len(buffer), self._size - self._at))
        data = os.pread(self._file.fileno(), count, self._start + self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
