"""What lies in a repository of a registry, or in a folder that holds caches: counted, not read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.engines.endpoint import ask
from lab.model.remote_cache import Stored

# Kinds of manifests, by the names that registries know them by.
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def in_registry(url: str, name: str) -> Stored:
    """What the registry at ``url`` holds below a repository's name."""
    tags = ask(url, f"/v2/{name}/tags/list").get("tags")
    found = (
        ask(url, f"/v2/{name}/manifests/{tag}", accept=_ACCEPT)
        for tag in (tags if isinstance(tags, list) else ())
    )
    return _counted(_whole(url, name, list(found)))


def in_folder(folder: Path) -> Stored:
    """What a cache holds that is a folder in OCI's image layout. Raises OSError, ValueError."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    places = (
        folder / "blobs" / str(entry["digest"]).replace(":", "/") for entry in index["manifests"]
    )
    return _counted([json.loads(place.read_text(encoding="utf-8")) for place in places])


def _whole(
    url: str, name: str, manifests: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The manifests, those that lists of them name as well."""
    for one in manifests:
        yield one
        below = (str(entry["digest"]) for entry in one.get("manifests", ()))
        yield from (ask(url, f"/v2/{name}/manifests/{digest}", accept=_ACCEPT) for digest in below)


def _counted(manifests: Iterator[Mapping[str, Any]] | Sequence[Mapping[str, Any]]) -> Stored:
    blobs: dict[str, tuple[int, str]] = {}
    count = 0
    for one in manifests:
        config = [one["config"]] if "config" in one else []
        count += bool(config or "layers" in one or "manifests" in one)
        for blob in (*config, *one.get("layers", ())):
            blobs[str(blob["digest"])] = (int(blob["size"]), str(blob["mediaType"]))
    types: dict[str, int] = {}
    for size, kind in blobs.values():
        types[kind] = types.get(kind, 0) + size
    return Stored(
        manifests=count,
        blobs=len(blobs),
        bytes=sum(size for size, _ in blobs.values()),
        types=dict(sorted(types.items())),
    )
