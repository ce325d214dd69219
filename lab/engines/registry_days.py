"""What befalls registries: one that is like another, and refuses, is full, or has lost its blobs.

Each is docker-registry itself. What it holds is that of the other registry at the time, and what is
pushed to it never gets there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.engines.registry import Registry, Say, start_registry
from lab.host.process import Argument
from lab.host.relay import Link

# A slow registry needs two seconds for each answer: what was measured of engines' patience.
SLOW = Link(round_trip_s=2.0)
# Nobody knows the password: the registry draws it.
_AUTH = "auth:\n  htpasswd:\n    realm: lab\n    path: {data}/htpasswd\n"
_PAGE = 4096
_LARGE = 64 * 1024  # a blob's file, which is never written to again, as the links to it are
# In the mount namespace of its own that the daemon is started in: nobody else sees the mount.
_ON_FULL_DISK = """
set -eu
mkdir "$2.kept" && cp -a "$2/." "$2.kept/"
mount -t tmpfs -o size="$1",mode=700 lab "$2"
cp -a "$2.kept/." "$2/"
shift 2
exec "$@"
"""
_GZIP = b"\x1f\x8b"  # so layers begin; manifests and configurations are JSON

_Blob = Callable[[Path], None]


def on_day(day: str, like: Registry, say: Say) -> Registry:
    """A registry that holds what ``like`` does, on such a day. Raises what start_registry raises.

    On the days `well` and `slow` it does as ``like`` itself; `absent` has no registry at all.
    """
    if day == "refusing":
        return start_registry(say, settings=_AUTH, first=_copy(like))
    if day == "full":
        return start_registry(say, first=_full(like))
    spoil: Mapping[str, _Blob] = {"gone": _remove, "damaged": _damage}
    return start_registry(say, first=_copy(like, spoil.get(day)))


def _copy(like: Registry, spoil: _Blob | None = None) -> Callable[[Path], Sequence[Argument]]:
    def first(data: Path) -> Sequence[Argument]:
        shutil.copytree(like.data, data, copy_function=_linked, dirs_exist_ok=True)
        for blob in (data / "docker/registry/v2/blobs").rglob("data") if spoil else ():
            with blob.open("rb") as file:
                layer = file.read(len(_GZIP)) == _GZIP
            if layer and spoil:
                spoil(blob)
        return ()

    return first


def _linked(source: str, target: str) -> None:
    """Large files are shared. The registry writes small ones in their place: they are copied."""
    if Path(source).stat().st_size >= _LARGE:
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)


def _remove(blob: Path) -> None:
    blob.unlink()


def _damage(blob: Path) -> None:
    """One byte in the middle is another; the file that ``like`` holds is left alone."""
    shared = blob.rename(blob.with_name("shared"))
    shutil.copyfile(shared, blob)  # not read into memory: a layer can be larger than that
    shared.unlink()
    with blob.open("r+b") as file:
        file.seek(blob.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))


def _full(like: Registry) -> Callable[[Path], Sequence[Argument]]:
    def first(data: Path) -> Sequence[Argument]:
        shutil.copytree(like.data, data, dirs_exist_ok=True)
        held = sum(
            -(-path.lstat().st_size // _PAGE) * _PAGE for path in data.rglob("*") if path.is_file()
        )
        return ["sh", "-c", _ON_FULL_DISK, "lab", str(held), data]

    return first
