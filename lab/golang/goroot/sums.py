"""SHA-256 sums of a tree's files, in the format that `sha256sum --check` reads (GNU coreutils)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError

Sums = Mapping[str, str]  # the path below the tree -> 64 hexadecimal digits

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a tree has otherwise than its sums say."""

    missing: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.added or self.changed)

    def __str__(self) -> str:
        parts = (("missing", self.missing), ("added", self.added), ("changed", self.changed))
        return "; ".join(
            f"{len(names)} {word} ({', '.join(names[:3])}{', ...' if names[3:] else ''})"
            for word, names in parts
            if names
        )


def of(tree: Path) -> Sums:
    """The sums of every file below a tree; a link to a file counts as what it leads to."""
    names = sorted(
        os.path.relpath(os.path.join(folder, name), tree)  # noqa: PTH118 (9,000 of them)
        for folder, _, files in os.walk(tree)
        for name in files
    )
    # hashlib lets other threads run while it computes, and so does reading.
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda name: _digest(tree / name), names)
        return dict(zip(names, digests, strict=True))


def text(sums: Sums) -> str:
    """The lines of a file for `sha256sum --check`, sorted by path."""
    return "".join(_line(name, sums[name]) for name in sorted(sums))


def parse(lines: str, where: Path) -> Sums:
    """The sums of such a file. Raises InputError with its line where it is none."""
    found = {}
    for number, line in enumerate(lines.removesuffix("\n").split("\n") if lines else [], 1):
        digest, _, name = line.removeprefix("\\").partition("  ")
        if len(digest) != 64 or set(digest) - set("0123456789abcdef") or not name:
            raise InputError(
                f"{where}, line {number}: no line of sha256sum",
                remedy="remove that file: it is made anew",
            )
        found[_raw(name) if line.startswith("\\") else name] = digest
    return found


def difference(expected: Sums, found: Sums) -> Difference:
    """How ``found`` differs from ``expected``."""
    return Difference(
        missing=tuple(sorted(expected.keys() - found.keys())),
        added=tuple(sorted(found.keys() - expected.keys())),
        changed=tuple(
            sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
        ),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(name: str, digest: str) -> str:
    escaped = "".join(_ESCAPES.get(char, char) for char in name)
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def _raw(name: str) -> str:
    plain = {f"\\{code[1]}": char for char, code in _ESCAPES.items()}
    out, rest = "", name
    while rest:
        step = 2 if rest[:2] in plain else 1
        out, rest = out + plain.get(rest[:step], rest[:step]), rest[step:]
    return out
