"""What an image holds, read out of the engine's own archive of it, times left aside."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from pathlib import Path

from lab.engines.protocol import Engine

Held = tuple[str, int, int, int, str]  # kind, mode, user, group, digest or target


def image_files(engine: Engine, ref: str) -> dict[str, Held]:
    """By path what lies there."""
    found: dict[str, Held] = {}
    with tempfile.TemporaryDirectory(prefix="lab-export-") as folder:
        path = Path(folder) / "image.tar"
        with path.open("wb") as out:
            out.writelines(engine.export(ref))
        with tarfile.open(path) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest is not None
            for name in json.load(manifest)[0]["Layers"]:
                layer = tar.extractfile(name)
                assert layer is not None
                with tarfile.open(fileobj=layer) as inside:
                    _lay(inside, found)
    return found


def _lay(layer: tarfile.TarFile, found: dict[str, Held]) -> None:
    """One layer over what lies below it: whiteouts take away what was there."""
    mine: dict[str, Held] = {}
    gone: set[str] = set()
    for member in layer:
        name = member.name.strip("/").removeprefix("./")
        folder, _, last = name.rpartition("/")
        if last.startswith(".wh."):
            hidden = folder if last == ".wh..wh..opq" else f"{folder}/{last[4:]}".lstrip("/")
            gone.add(hidden)
            continue
        mine[name] = (*_kind(member), _what(layer, member, mine))
    for path in list(found):
        if any(path == one or path.startswith(f"{one}/") for one in gone):
            del found[path]
    found.update(mine)


def _kind(member: tarfile.TarInfo) -> tuple[str, int, int, int]:
    kind = "file" if member.isreg() or member.islnk() else str(member.type)
    return kind, member.mode & 0o7777, member.uid, member.gid


def _what(layer: tarfile.TarFile, member: tarfile.TarInfo, mine: dict[str, Held]) -> str:
    if member.islnk():
        return mine[member.linkname.strip("/").removeprefix("./")][4]
    if not member.isreg():
        return member.linkname
    data = layer.extractfile(member)
    assert data is not None
    return hashlib.sha256(data.read()).hexdigest()
