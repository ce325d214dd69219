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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lab.engines.protocol import ImageArchive
from lab.host import debian
from lab.host.content_cache import Cache, Layer, writing

# One fixed moment for everything that the lab dates itself.
EPOCH = debian.EPOCH
CREATED = "2024-01-01T00:00:00Z"
REPOSITORY = "localhost/lab/base"
LABEL_BASE = "io.imagelab.base"
LABEL_MOVED = "io.imagelab.moved"
MOVED = b"This base moved: the lab put this file on top of it.\n"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def architecture() -> str:
    """This machine's architecture as image configurations and Go name it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tagged:
    """One image of an archive: its name, its configuration, its layers."""

    ref: str
    config: bytes
    layers: Sequence[Layer]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.config).hexdigest()

    @property
    def entry(self) -> dict[str, Any]:
        """What the archive's manifest.json says of it."""
        layers = [f"{layer.digest}.tar" for layer in self.layers]
        return {"Config": f"{self.digest}.json", "RepoTags": [self.ref], "Layers": layers}


def images(
    cache: Cache, name: str, layers: Sequence[Layer], settings: Mapping[str, Any]
) -> tuple[ImageArchive, ImageArchive]:
    """The image of these layers, and its moved twin: the same with one tiny layer on top.

    The twin differs in content, as a base does after a security update. Builders compare the
    layers of a base: under another label alone BuildKit and Podman would go on taking every step
    from the cache. Both are in one archive, so that the layers are stored and loaded once.
    ``settings`` are the runtime settings of the configuration: Env, Cmd, WorkingDir and so on.
    """
    config = _config(layers, settings, {LABEL_BASE: name})
    plain = _Tagged(ref=f"{REPOSITORY}:{name}-{_short(config)}", config=config, layers=layers)
    layers = (*layers, cache.layer(_update))
    config = _config(layers, settings, {LABEL_BASE: name, LABEL_MOVED: "1"})
    moved = _Tagged(ref=f"{plain.ref}-moved", config=config, layers=layers)
    manifest = json.dumps([plain.entry, moved.entry], sort_keys=True).encode()
    # The manifest names all that is in the archive: one of another form is never taken for it.
    path = cache.root / "images" / f"{hashlib.sha256(manifest).hexdigest()}.tar"
    if not path.is_file():
        documents = {one.entry["Config"]: one.config for one in (plain, moved)}
        cache.file(path, lambda out: _write(out, documents | {"manifest.json": manifest}, layers))
    return (
        ImageArchive(ref=plain.ref, id=f"sha256:{plain.digest}", path=path),
        ImageArchive(ref=moved.ref, id=f"sha256:{moved.digest}", path=path),
    )


def single(
    out: IO[bytes],
    ref: str,
    layers: Sequence[Layer],
    settings: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    """Write an archive of one image: these layers under this name, with these labels added."""
    one = _Tagged(ref=ref, config=_config(layers, settings, labels), layers=layers)
    manifest = json.dumps([one.entry], sort_keys=True).encode()
    _write(out, {one.entry["Config"]: one.config, "manifest.json": manifest}, layers)


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


def _short(config: bytes) -> str:
    return hashlib.sha256(config).hexdigest()[:12]


def _update(out: IO[bytes]) -> None:
    """The layer that a moved base has and its original has not."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        # The folder is in it too: an engine would make up the mode of one that is not.
        folder = _member("etc", 0, mode=0o755)
        folder.type = tarfile.DIRTYPE
        layer.addfile(folder)
        layer.addfile(_member("etc/imagelab-moved", len(MOVED)), io.BytesIO(MOVED))


def _write(out: IO[bytes], documents: Mapping[str, bytes], layers: Sequence[Layer]) -> None:
    # Layers are not compressed: both engines would only spend their time on unpacking them.
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in documents.items():
            archive.addfile(_member(path, len(data)), io.BytesIO(data))
        for layer in {layer.digest: layer for layer in layers}.values():
            with writing(layer.path), layer.path.open("rb") as data_file:
                archive.addfile(_member(f"{layer.digest}.tar", layer.size), data_file)


def _member(path: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size = size
    member.mode = mode
    member.mtime = EPOCH
    return member
