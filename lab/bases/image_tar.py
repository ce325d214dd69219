"""Images written as docker-archives, byte for byte the same from the same layers.

Source of the format: https://github.com/moby/moby/blob/v20.10.24/image/spec/v1.2.md
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lab.bases.cache import Cache, Layer, writing
from lab.engines.protocol import ImageArchive

# One fixed moment for everything that the lab dates itself: 2024-01-01T00:00:00Z.
EPOCH = 1_704_067_200
CREATED = "2024-01-01T00:00:00Z"
REPOSITORY = "localhost/lab/base"
LABEL_BASE = "io.imagelab.base"
LABEL_MOVED = "io.imagelab.moved"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def architecture() -> str:
    """This machine's architecture as image configurations and Go name it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def images(
    cache: Cache, name: str, layers: Sequence[Layer], settings: Mapping[str, Any]
) -> tuple[ImageArchive, ImageArchive]:
    """The image of these layers, and the same layers under another digest (the base moved).

    Both lie in one archive, so that the layers are stored and loaded once. ``settings`` are the
    runtime settings of the configuration: Env, Cmd, WorkingDir and so on.
    """
    plain = _config(layers, settings, {LABEL_BASE: name})
    moved = _config(layers, settings, {LABEL_BASE: name, LABEL_MOVED: "1"})
    digest = hashlib.sha256(plain).hexdigest()
    ref = f"{REPOSITORY}:{name}-{digest[:12]}"
    path = cache.root / "images" / f"{digest}.tar"
    if not path.is_file():
        tagged = ((ref, plain), (f"{ref}-moved", moved))
        cache.file(path, lambda out: _write(out, tagged, layers))
    return (
        ImageArchive(ref=ref, id=f"sha256:{digest}", path=path),
        ImageArchive(
            ref=f"{ref}-moved", id=f"sha256:{hashlib.sha256(moved).hexdigest()}", path=path
        ),
    )


def read(path: Path) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """Digest and size of the layers, and the settings, of an archive that ``images`` wrote."""
    with tarfile.open(path, mode="r:") as archive:

        def document(name: str) -> Any:
            file = archive.extractfile(name)
            return None if file is None else json.load(file)

        first = document("manifest.json")[0]
        layers = [(name.removesuffix(".tar"), archive.getmember(name)) for name in first["Layers"]]
        settings: dict[str, Any] = document(first["Config"])["config"]
        return [(digest, member.size) for digest, member in layers], settings


def _config(
    layers: Sequence[Layer], settings: Mapping[str, Any], labels: Mapping[str, str]
) -> bytes:
    """The image's configuration. Its digest is the image's id, so that its bytes are fixed."""
    config = dict(settings)
    config["Labels"] = {**(config.get("Labels") or {}), **labels}
    document = {
        "architecture": architecture(),
        "config": config,
        "created": CREATED,
        "history": [{"created": CREATED, "created_by": "lab"} for _ in layers],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _write(out: IO[bytes], tagged: Sequence[tuple[str, bytes]], layers: Sequence[Layer]) -> None:
    # Layers are not compressed: both engines would only spend their time on unpacking them.
    members = [(f"{hashlib.sha256(config).hexdigest()}.json", config) for _, config in tagged]
    manifest = [
        {"Config": path, "RepoTags": [ref], "Layers": [f"{layer.digest}.tar" for layer in layers]}
        for (ref, _), (path, _) in zip(tagged, members, strict=True)
    ]
    members.append(("manifest.json", json.dumps(manifest, sort_keys=True).encode()))
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in members:
            archive.addfile(_member(path, len(data)), io.BytesIO(data))
        for layer in {layer.digest: layer for layer in layers}.values():
            with writing(layer.path), layer.path.open("rb") as data_file:
                archive.addfile(_member(f"{layer.digest}.tar", layer.size), data_file)


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size = size
    member.mtime = EPOCH
    return member
