"""What an image holds, read out of its layers without unpacking them."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import SourceError

_GLIBC = re.compile(rb"GNU C Library [^\n\0]*version (\d+(?:\.\d+)+)")
_LIBC = re.compile(r"(?:usr/)?lib(?:64|32|x32)?(?:/[^/]+-linux-gnu[^/]*)?/libc\.so\.6")
_GO = re.compile(r"go(\d+(?:\.\d+)+\S*)")
GO_VERSION_FILE = "usr/local/go/VERSION"
_READ_LIMIT = 64 << 20
_LINKS = 40  # the kernel's own limit on symbolic links in one path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    layer: int
    offset: int
    size: int
    symlink: str | None
    hardlink: str | None
    folder: bool


class Contents:
    """The merged view of layers, as a container sees it.

    Whiteouts follow https://github.com/opencontainers/image-spec/blob/main/layer.md.
    """

    def __init__(self, layers: Sequence[Path]) -> None:
        self._layers = layers
        self._nodes: dict[str, _Node] = {}
        for index, path in enumerate(layers):
            try:
                self._add(index, path)
            except (tarfile.TarError, ValueError) as error:
                raise SourceError(f"layer {index + 1} is not a whole tar: {error}") from error

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        node = self._find(path)
        if node is None or node.folder or node.size > _READ_LIMIT:
            return None
        with self._layers[node.layer].open("rb") as layer:
            layer.seek(node.offset)
            return layer.read(node.size)

    def glibc(self) -> str | None:
        """The version that the image's own C library states; None for musl or no library."""
        paths = (path for path in self._nodes if _LIBC.fullmatch(path))
        # A machine's 32-bit library stands beside its own: the 64-bit one is asked first.
        for path in sorted(paths, key=lambda path: ("32" in path or "i386" in path, path)):
            if match := _GLIBC.search(self.read(path) or b""):
                return match[1].decode()
        return None

    def go(self) -> str | None:
        """The version of the toolchain at /usr/local/go, without its ``go``; None without one."""
        text = (self.read(GO_VERSION_FILE) or b"").decode(errors="replace")
        match = _GO.match(text)
        return match[1] if match else None

    def _add(self, index: int, path: Path) -> None:
        lower = list(self._nodes) if index else []
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                name = posixpath.normpath("/" + member.name).lstrip("/")
                folder, _, leaf = name.rpartition("/")
                if leaf == ".wh..wh..opq":
                    self._drop(folder, lower, keep_folder=True)
                elif leaf.startswith(".wh."):
                    self._drop(posixpath.join(folder, leaf[4:]), lower, keep_folder=False)
                elif name:
                    self._nodes[name] = _Node(
                        layer=index,
                        offset=member.offset_data,
                        size=member.size,
                        symlink=member.linkname if member.issym() else None,
                        hardlink=member.linkname if member.islnk() else None,
                        folder=not (member.isreg() or member.issym() or member.islnk()),
                    )

    def _drop(self, path: str, lower: Sequence[str], *, keep_folder: bool) -> None:
        for name in lower:
            if name.startswith(f"{path}/" if path else "") or (name == path and not keep_folder):
                self._nodes.pop(name, None)

    def _find(self, path: str) -> _Node | None:
        """The node of a path, links followed within the image and nowhere else."""
        todo = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        node: _Node | None = None
        while todo:
            part = todo.pop()
            if part in {".", ""}:
                continue
            if part == "..":
                del done[-1:]
                continue
            done.append(part)
            node = self._nodes.get("/".join(done))
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
            node = None
        return node
