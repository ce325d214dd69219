"""A suite bootstrapped a second time: is it the same, bit by bit, and what differs where it is not.

The archive moves: where the second holds other packages than the first, nothing is said of
bootstraps by that, and a third is made and held against the second.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.host.content_cache import Cache, Layer, Say
from lab.host.paths import cache_dir
from lab.images.sources import bootstrap
from lab.images.sources.contents import Contents

_STATUS = "var/lib/dpkg/status"
_FIELDS = ("type", "mode", "owner", "group", "size", "date", "link", "names", "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A member that differs, and in what: ``content``, ``date``, ``missing`` and so on."""

    path: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Digests of two bootstraps. ``moved``: the archive had moved on since the one in the cache."""

    digests: tuple[str, str]
    differences: tuple[Difference, ...]
    moved: bool

    @property
    def identical(self) -> bool:
        return self.digests[0] == self.digests[1]


def compare(suite: str, first: Layer, *, say: Say, cache: Path | None = None) -> Comparison:
    """Bootstrap a suite a second time and compare it with its first layer.

    Takes 15 to 40 s, twice that where the archive has moved. Raises what a bootstrap raises.
    """
    store = Cache(cache_dir() / "bases" if cache is None else cache)
    source = bootstrap.key(suite)["source"]
    second = bootstrap.layer(store, suite, source, say=say)
    moved = second.digest != first.digest and _packages(second) != _packages(first)
    one, other = first, second
    try:
        if moved:
            say(f"{suite} has moved on in the archive: once more")
            one, other = second, bootstrap.layer(store, suite, source, say=say)
        found = () if one.digest == other.digest else tuple(differences(one.path, other.path))
        return Comparison(digests=(one.digest, other.digest), differences=found, moved=moved)
    finally:
        for layer in {second.path, other.path} - {first.path}:
            layer.unlink(missing_ok=True)  # of no entry in the cache


def differences(one: Path, other: Path) -> Iterator[Difference]:
    """Members of two tars that differ, by name; where only their order does, that."""
    was, now = _members(one), _members(other)
    for path in sorted(was.keys() | now.keys()):
        before, after = was.get(path), now.get(path)
        if before is None or after is None:
            yield Difference(path=path, what=("missing" if after is None else "added",))
        elif before != after:
            pairs = zip(_FIELDS, before, after, strict=True)
            yield Difference(path=path, what=tuple(name for name, a, b in pairs if a != b))
    if was == now and list(was) != list(now):
        yield Difference(path="/", what=("order of members",))


def _members(path: Path) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    with tarfile.open(path, mode="r:") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            content = hashlib.file_digest(file, "sha256").hexdigest() if file else None  # type: ignore[arg-type]  # a reader of bytes
            found[f"/{member.name.removeprefix('./').lstrip('/')}"] = (
                member.type,
                member.mode,
                member.uid,
                member.gid,
                member.size,
                member.mtime,
                member.linkname,
                (member.uname, member.gname, tuple(sorted(member.pax_headers.items()))),
                content,
            )
    return found


def _packages(layer: Layer) -> bytes | None:
    return Contents([layer.path]).read(_STATUS)
