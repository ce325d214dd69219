"""Which records of a daemon's build cache are the lab's own, by GET /system/df, and their end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import FILE_SYSTEM
from lab.engines.ledger import Ledger

OWN_MOUNT = "lab-"
_ARCHIVE = "http url http://build-context-"


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


def records(api: Any) -> list[Mapping[str, Any]]:
    """All records of the daemon's cache."""
    return list(api.df().get("BuildCache") or ())


def remember(api: Any, made: Ledger, dockerfile: Dockerfile) -> None:
    """Note that a build comes, and before the first of them what the cache holds."""
    made.note("text", texts(dockerfile))
    if not made.of_kind("build"):
        made.note("cache", uses(records(api)))
    made.note("build", [secrets.token_hex(8)])


def prune(api: Any, made: Ledger, *, patience_s: float = 0.0) -> bool:
    """Remove the lab's own records; whether none is left.

    What another record used goes with the next pass, and what a build used that was left in its
    midst goes when that has ended.
    """
    deadline = time.monotonic() + patience_s
    last: list[str] = []
    while builds := made.of_kind("build"):
        endings = frozenset(made.of_kind("text"))
        ours = own_records(records(api), made.of_kind("cache"), endings, len(builds))
        if not ours:
            made.drop("cache", "build")
        elif ours == last:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        for record in ours:
            api.prune_builds(filters={"id": record}, all=True)
        last = ours
    return True


def uses(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each record by its id, with how often it was used, as a line of text."""
    return [f"{record['ID']} {record.get('UsageCount', 0)}" for record in records]


def own_records(
    records: Sequence[Mapping[str, Any]],
    before: Sequence[str],
    endings: frozenset[str],
    builds: int,
) -> list[str]:
    """Ids of the records that are new and provably ours, children before their parents.

    ``before`` is what `uses` told when the lab came; ``builds`` how many it did since. Ours is what
    one of our instructions describes, and what was built on such a record. Of what remains ("from
    local", the context's copy) it cannot be told who made it: it is ours where nobody else built.
    """
    used = dict(line.partition(" ")[::2] for line in before)
    new = {str(record["ID"]): record for record in records if str(record["ID"]) not in used}
    ours = {
        name
        for name, record in new.items()
        if _plain(str(record.get("Description", ""))).endswith(tuple(endings))
    }
    if not _others(records, new, used, builds):
        ours = set(new)
    while more := {n for n, record in new.items() if n not in ours and _parents(record) & ours}:
        ours |= more
    ordered: list[str] = []
    while ours:
        parents = {parent for name in ours for parent in _parents(new[name])}
        leaves = sorted(ours - parents) or sorted(ours)
        ordered += leaves
        ours.difference_update(leaves)
    return ordered


def _others(
    records: Iterable[Mapping[str, Any]],
    new: Mapping[str, Mapping[str, Any]],
    used: Mapping[str, str],
    builds: int,
) -> bool:
    """Whether somebody else may have built: every build reads its Dockerfile from somewhere.

    A client's session and git leave sources of their own kinds, whose uses are counted; an archive
    by the API, as the lab sends it, leaves one record of its URL for each build.
    """
    sent = [one for one in new.values() if str(one.get("Description")).startswith(_ARCHIVE)]
    return len(sent) > builds or any(
        str(one.get("Type")).startswith("source.")
        and used.get(str(one["ID"])) != str(one.get("UsageCount", 0))
        for one in records
    )


def reusable(records: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Ids of finished steps' records: a cold build empties cache mounts, contexts come and go."""
    return frozenset(str(one["ID"]) for one in records if one.get("Type") == "regular")


def _parents(record: Mapping[str, Any]) -> frozenset[str]:
    # API 1.42 renamed the field; moby's tag of the new one begins with a space.
    several, one = record.get("Parents") or record.get(" Parents") or (), record.get("Parent")
    return frozenset({*several, one} if one else several)


def _plain(text: str) -> str:
    return " ".join(text.split())
