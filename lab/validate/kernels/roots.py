"""An image's merged layers as one read-only file system that a guest mounts: squashfs.

Nothing is unpacked on this machine: the layers' entries go from tar to tar and from there into the
image, under names that were made to stay inside of it.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from lab.host.content_cache import LAYER_LIMIT, Cache, Say
from lab.host.paths import cache_dir
from lab.host.process import found, run
from lab.images.sources import image_tar
from lab.images.sources.image_tar import EPOCH
from lab.images.sources.types import Base
from lab.model.errors import MissingPrerequisite, SourceError

# zstd: every kernel since 4.14 reads it, and what the guest does not read is not unpacked.
_OPTIONS = ("-tar", "-comp", "zstd", "-Xcompression-level", "3", "-noappend", "-quiet")
_FIXED = {"SOURCE_DATE_EPOCH": str(EPOCH)}
_MOUNT_POINTS = {"dev", "proc", "sys", "tmp"}  # an engine makes them too where an image has none
_RECIPE = 2
_LIMIT_S = 600


def of_base(base: Base, *, say: Say, cache: Path | None = None) -> Path:
    """The file system of a base that the lab holds. Raises SourceError where a registry has it."""
    if base.image.path is None:
        raise SourceError(
            f"{base.name}: its layers are in a registry, and a kernel cannot boot them from there",
            remedy="save the image to a file (docker save) and name that as an archive",
        )
    layers, _ = image_tar.read(base.image.path)
    bases = Cache(cache_dir() / "bases")
    return of_layers(
        [bases.kept(digest, size).path for digest, size in layers],
        say=say,
        what=base.name,
        cache=cache,
    )


def of_layers(
    layers: Sequence[Path], *, say: Say, what: str = "an image", cache: Path | None = None
) -> Path:
    """The file system of uncompressed layers, lowest first, each named by its digest."""
    store = Cache(cache_dir() / "kernels" if cache is None else cache)
    program = found("mksquashfs")
    if program is None:
        raise MissingPrerequisite(
            "mksquashfs is not installed: it packs an image for a guest",
            remedy="lab doctor --install",
        )

    def make() -> dict[str, object]:
        say(f"packing {what} as a guest's root (a few seconds, once)")
        with store.temporary() as folder:
            merged, packed = folder / "merged.tar", folder / "root.squashfs"
            with merged.open("wb") as out:
                merge(layers, out)
            run(
                [program, "-", packed, *_OPTIONS],
                stdin=merged,
                environment=_FIXED,
                timeout_s=_LIMIT_S,
                error=SourceError,
            )
            layer = store.adopt(packed)
            return {"layers": [[layer.digest, layer.size]]}

    key = {"root": [path.stem for path in layers], "recipe": _RECIPE, "options": list(_OPTIONS)}
    entry = store.entry(key, make, say=say, what=f"the root of {what}")
    return store.kept(*entry["layers"][0]).path


def merge(layers: Sequence[Path], out: IO[bytes]) -> None:
    """Write the merged view of layers as one tar: whiteouts applied, no devices, no way out.

    Whiteouts follow https://github.com/opencontainers/image-spec/blob/main/layer.md.
    """
    try:
        winners = _winners(layers)
        total = 0
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as merged:
            for index, path in enumerate(layers):
                with tarfile.open(path, mode="r:") as tar:
                    for member in tar:
                        name = _inside(member.name)
                        if winners.get(name) != (index, member.offset):
                            continue
                        total += member.size
                        if total > LAYER_LIMIT:
                            raise SourceError(
                                "the layers unpack without end: that is no image",
                                remedy="name another image",
                            )
                        _copy(tar, member, name, merged)
            for name in sorted(_MOUNT_POINTS - winners.keys()):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, EPOCH
                merged.addfile(folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise SourceError(
            f"a layer is not a whole tar: {error}", remedy="save the image again"
        ) from error


def _winners(layers: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """For each path that the merged view has, which layer's entry is seen."""
    seen: dict[str, tuple[int, int]] = {}
    for index, path in enumerate(layers):
        lower = tuple(seen) if index else ()
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                name = _inside(member.name)
                folder, _, leaf = name.rpartition("/")
                if leaf == ".wh..wh..opq":
                    _drop(seen, lower, folder + "/" if folder else "", None)
                elif leaf.startswith(".wh."):
                    gone = posixpath.join(folder, leaf[4:])
                    _drop(seen, lower, gone + "/", gone)
                elif name and (
                    member.isreg() or member.isdir() or member.issym() or member.islnk()
                ):
                    if name in seen and not member.isdir():
                        _drop(seen, lower, name + "/", None)  # a folder became something else
                    seen[name] = (index, member.offset)
    return seen


def _kept(member: tarfile.TarInfo) -> bool:
    """Devices and pipes stay outside: a guest has its own /dev."""
    return member.isreg() or member.isdir() or member.issym() or member.islnk()


def _drop(
    seen: dict[str, tuple[int, int]], lower: Sequence[str], below: str, itself: str | None
) -> None:
    for name in lower:
        if name.startswith(below) or name == itself:
            seen.pop(name, None)


def _copy(
    tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, merged: tarfile.TarFile
) -> None:
    """One entry under its name inside; a hard link becomes a file, whatever came of its target."""
    copy = tarfile.TarInfo(name)
    copy.mode, copy.uid, copy.gid, copy.mtime = member.mode, member.uid, member.gid, member.mtime
    copy.type, copy.linkname = member.type, member.linkname
    source = member
    if member.islnk():
        target = tar.extractfile(member)
        if target is None:
            return
        copy.type, copy.linkname = tarfile.REGTYPE, ""
        source = tar.getmember(member.linkname)
        while source.islnk():
            source = tar.getmember(source.linkname)
    if source.isreg():
        copy.type, copy.size = tarfile.REGTYPE, source.size
        merged.addfile(copy, tar.extractfile(source))
    else:
        merged.addfile(copy)


def _inside(name: str) -> str:
    """An entry's path below the root, without ``.`` and ``..``."""
    return posixpath.normpath("/" + name).lstrip("/")
