"""Which records of a daemon's build cache are the lab's own: plain values of GET /system/df."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import FILE_SYSTEM

OWN_MOUNT = "lab-"


def foreign_mounts(dockerfile: Dockerfile) -> tuple[str, ...]:
    """Cache mounts that a cold build would empty though the lab did not make them.

    BuildKit drops the content of every cache mount that a build with nocache=1 names (buildkit,
    solver/llbsolver/vertex.go, detectPrunedCacheID).
    """
    found = []
    for instruction in dockerfile.instructions:
        for mount in instruction.mounts if instruction.keyword == "RUN" else ():
            name = mount.get("id") or mount.get("target") or mount.get("dst") or ""
            if mount["type"] == "cache" and not name.startswith(OWN_MOUNT):
                found.append(
                    f"line {instruction.line}: a cold build would empty the cache mount {name!r} "
                    "of this daemon; take --private"
                )
    return tuple(dict.fromkeys(found))


def texts(dockerfile: Dockerfile) -> frozenset[str]:
    """How a cache record's description ends that was made by this Dockerfile."""
    found = set()
    for instruction in dockerfile.instructions:
        if instruction.keyword in FILE_SYSTEM:
            found.add("] " + _plain(instruction.text))
        if instruction.keyword == "RUN":
            found.add(" -c " + _plain(instruction.operands))
    return frozenset(found)


def own_records(
    records: Iterable[Mapping[str, Any]], before: frozenset[str], endings: frozenset[str]
) -> list[str]:
    """Ids of the records that are new and provably ours, children before their parents.

    Ours is what one of our instructions describes, and what was built on such a record. Of what
    remains ("from local", the context's copy) it cannot be told who made it: it is left alone.
    """
    new = {str(record["ID"]): record for record in records if record.get("ID") not in before}
    ours = {
        name
        for name, record in new.items()
        if _plain(str(record.get("Description", ""))).endswith(tuple(endings))
    }
    while more := {n for n, record in new.items() if n not in ours and _parents(record) & ours}:
        ours |= more
    ordered: list[str] = []
    while ours:
        parents = {parent for name in ours for parent in _parents(new[name])}
        leaves = sorted(ours - parents) or sorted(ours)
        ordered += leaves
        ours.difference_update(leaves)
    return ordered


def reusable(records: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Ids of finished steps' records: a cold build empties cache mounts, contexts come and go."""
    return frozenset(str(one["ID"]) for one in records if one.get("Type") == "regular")


def _parents(record: Mapping[str, Any]) -> frozenset[str]:
    several, one = record.get("Parents") or (), record.get("Parent")
    return frozenset({*several, one} if one else several)


def _plain(text: str) -> str:
    return " ".join(text.split())
