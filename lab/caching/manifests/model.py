"""The manifest of a build context, and its JSON (docs/context.md): one line for each entry.

It is written while the folder is read, so that a large context takes no more memory than a small
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lab.model.errors import InputError
from lab.model.json_fields import known, typed

SCHEMA = "lab.context/1"
_REMEDY = "name a file that `lab context -o FILE` wrote"

Type = Literal["file", "link", "directory", "git"]
LineEnds = Literal["lf", "crlf", "mixed", "none"]  # of a text; "none": it is one line without end
Standing = Literal["tracked", "untracked", "ignored", "submodule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry. ``mode`` is in octal digits, ``size`` in bytes, ``mtime`` in seconds since 1970.

    ``line_ends`` is None where it is no text; ``lf_sha256`` is the digest that it would have with
    line feeds alone, where it has others. ``pointer`` is the digest of what a git-lfs pointer
    stands for. ``git`` is how git has it; None outside of a repository. Of the repository's own
    folder, type "git", only the size is told.
    """

    path: str
    type: Type
    mode: str = "0777"
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    sha256: str | None = None
    line_ends: LineEnds | None = None
    lf_sha256: str | None = None
    pointer: str | None = None
    target: str | None = None
    git: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What holds for the whole context. ``ignore`` is the text of the ignore file that was obeyed.

    ``commit`` is the one that is checked out, ``settings`` git's that change files in a checkout.
    """

    dockerfile: str = "Dockerfile"
    ignore: str | None = None
    umask: str = "0022"
    commit: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    submodules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest read back, its entries by path."""

    head: Head
    items: Mapping[str, Item]


@dataclass(slots=True)
class Summary:
    """Counts of what was written. ``same_but_case`` are paths that some file systems cannot tell
    apart.
    """

    files: int = 0
    bytes: int = 0
    untracked: int = 0
    crlf: int = 0
    pointers: int = 0
    same_but_case: list[list[str]] = field(default_factory=list)
    _folded: dict[str, str] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Count an entry."""
        self.files += item.type == "file"
        self.bytes += item.size
        self.untracked += item.type == "file" and item.git in {"untracked", "ignored"}
        self.crlf += item.line_ends in {"crlf", "mixed"}
        self.pointers += item.pointer is not None
        folded = item.path.casefold()
        first = self._folded.setdefault(folded, item.path)
        if first != item.path:
            self.same_but_case.append([first, item.path])


def write(head: Head, items: Iterable[Item], put: Callable[[str], object]) -> Summary:
    """Write a manifest piece by piece, and count what is in it."""
    summary = Summary()
    fields = {"schema": SCHEMA} | asdict(head)
    put("{\n" + "".join(f"{json.dumps(key)}: {json.dumps(fields[key])},\n" for key in fields))
    put('"entries": [')
    before = "\n"
    for item in items:
        put(f"{before}{_line(item)}")
        before = ",\n"
        summary.add(item)
    put(f'\n],\n"files": {summary.files},\n"bytes": {summary.bytes},\n')
    put(f'"same_but_case": {json.dumps(summary.same_but_case)}\n}}\n')
    return summary


def _line(item: Item) -> str:
    """What is not known, or does not apply, is left out."""
    values = {name: getattr(item, name) for name in Item.__slots__}
    return json.dumps({name: value for name, value in values.items() if value is not None})


def read(path: Path) -> Manifest:
    """Read a manifest back. Raises InputError where the file is none."""
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", remedy=_REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no manifest of a context: {error}", remedy=_REMEDY) from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path}: schema {schema!r}, expected {SCHEMA!r}", remedy=_REMEDY)
    try:
        items = [_item(one) for one in record["entries"]]
        values = known(Head, record)
        values["submodules"] = tuple(values.get("submodules", ()))
        head = Head(**typed(Head, values))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no manifest of a context: {error}", remedy=_REMEDY) from error
    return Manifest(head=head, items={one.path: one for one in items})


def _item(record: Mapping[str, Any]) -> Item:
    found = Item(**typed(Item, known(Item, record)))
    int(found.mode, 8)
    return found
