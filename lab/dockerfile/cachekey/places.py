"""Paths that instructions name: of a stage's files, of the context, of where they write."""

from __future__ import annotations

import posixpath
import re

from lab.dockerfile.cachekey.sources import patterns
from lab.dockerfile.cachekey.variables import Scope
from lab.dockerfile.model import Instruction


def root(word: str) -> str:
    """A path of another stage, or the folder that a pattern of it starts from."""
    plain = re.split(r"[*?\[\\$]", word, maxsplit=1)
    head = plain[0] if len(plain) == 1 else plain[0].rpartition("/")[0]
    return posixpath.normpath(f"/{head.lstrip('/')}")


def shown(instruction: Instruction, scope: Scope) -> tuple[str, ...]:
    """What bind mounts show of the context."""
    return patterns(
        scope.expand(mount.get("source", mount.get("src", ".")))
        for mount in instruction.mounts
        if mount["type"] == "bind" and "from" not in mount
    )


def joined(workdir: str, word: str) -> str:
    """Where something is written to; empty where nobody knows."""
    if not word or "$" in word or not (word.startswith("/") or workdir):
        return ""
    return posixpath.normpath(posixpath.join(workdir, word))
