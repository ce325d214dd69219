"""Every ELF file of every layer, those that later layers cover among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lab.images import elf
from lab.images.sources.contents import Contents, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An ELF file at ``path`` (no leading slash). ``hidden``: a later layer covers it."""

    path: str
    layer: int
    mode: int
    facts: elf.Facts
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A file that begins as ELF does and is none."""

    path: str
    layer: int
    mode: int
    why: str
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Elves:
    """What was found. ``files`` are by path, without those that are hidden."""

    files: Mapping[str, File]
    hidden: Sequence[File]
    damaged: Sequence[Damaged]


@lru_cache(maxsize=16)
def elves(held: Contents) -> Elves:
    """Read every ELF file of all layers; of the last images that were asked for only once."""
    files: dict[str, File] = {}
    hidden: list[File] = []
    damaged: list[Damaged] = []
    covered = [(path, node, True) for path, node in held.hidden]
    for path, node, is_hidden in (
        *((path, node, False) for path, node in held.nodes.items()),
        *covered,
    ):
        if not node.file or held.data(node, len(elf.MAGIC)) != elf.MAGIC:
            continue
        read = _read(held, path, node, is_hidden)
        if isinstance(read, Damaged):
            damaged.append(read)
        elif is_hidden:
            hidden.append(read)
        else:
            files[path] = read
    return Elves(files=files, hidden=tuple(hidden), damaged=tuple(damaged))


def _read(held: Contents, path: str, node: Node, hidden: bool) -> File | Damaged:
    with held.stream(node) as stream:
        try:
            facts = elf.read(stream)
        except elf.NotElf as error:
            return Damaged(
                path=path, layer=node.layer, mode=node.mode, why=str(error), hidden=hidden
            )
    return File(path=path, layer=node.layer, mode=node.mode, facts=facts, hidden=hidden)
