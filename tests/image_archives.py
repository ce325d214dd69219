"""Layers and image archives made by hand, hostile ones among them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def member(name: str, data: bytes = b"", **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A member; ``facts`` are fields of tarfile.TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    for field, value in facts.items():
        setattr(info, field, value)
    return info, data


def link(name: str, target: str, **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link."""
    return member(name, type=tarfile.SYMTYPE, linkname=target, **facts)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """The tar of members as they are, whatever their names are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def archive(
    path: Path,
    layers: Sequence[bytes],
    config: dict[str, Any] | None = None,
    *,
    packed: bool = False,
) -> Path:
    """A docker-archive of layers."""
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "config": config or {},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers],
        },
    }
    names = [f"{number}.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": ["test:1"], "Layers": names}]
    documents = [
        member("manifest.json", json.dumps(manifest).encode()),
        member("config.json", json.dumps(settings).encode()),
        *(
            member(name, gzip.compress(one) if packed else one)
            for name, one in zip(names, layers, strict=True)
        ),
    ]
    path.write_bytes(layer(*documents))
    return path
