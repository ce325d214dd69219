"""Images and root file systems on disk, read without trusting them.

Nothing is unpacked to disk by its own name: layers are streamed into the cache, each under the
digest that it turns out to have.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from lab.host.content_cache import LAYER_LIMIT, Cache, Layer, copy, writing
from lab.images.sources.image_tar import EPOCH, architecture
from lab.model.errors import SourceError

_DOCUMENT_LIMIT = 8 << 20
# A layer may unpack to 1 GiB whatever its size, and a larger one to so many times its own: real
# layers unpack to 2 to 10 times, deflate ends at 1032 times.
_FREE, _RATIO = 1 << 30, 100
_ZSTD = b"\x28\xb5\x2f\xfd"
# What reading a damaged archive raises; the same bytes may fail in any of these ways.
BROKEN = (
    tarfile.TarError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    gzip.BadGzipFile,
    zstandard.ZstdError,
    ValueError,
    ArithmeticError,
    MemoryError,
    RecursionError,
)


def image(cache: Cache, path: Path) -> tuple[list[Layer], dict[str, Any]]:
    """The layers and the runtime settings of a docker-archive or OCI archive."""
    with cache.temporary() as folder:
        plain = folder / "archive.tar"
        try:
            with path.open("rb") as file, writing(plain), plain.open("wb") as out:
                limit = _limit(path.stat().st_size)
                copy(decompressed(file), out, what=str(path), limit=limit)
            with tarfile.open(plain, mode="r:") as tar:
                names = {posixpath.normpath(member.name): member for member in tar}
                return _Archive(cache, path, tar, names).image()
        except (*BROKEN, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"{path} is not a docker-archive or OCI archive: {_said(error)}",
                remedy="make one with `docker save` or `skopeo copy ... docker-archive:FILE`",
            ) from error


def rootfs(cache: Cache, path: Path) -> Layer:
    """A root file system, a tar or a folder, as one layer."""
    if path.is_dir():
        return cache.layer(lambda out: _pack(path, out))
    try:
        with path.open("rb") as file:
            plain = decompressed(file)
            limit = _limit(path.stat().st_size)
            layer = cache.layer(
                lambda out: cast("None", copy(plain, out, what=str(path), limit=limit))
            )
        with tarfile.open(layer.path, mode="r:") as tar:
            tar.getmembers()
        with layer.path.open("rb") as file:
            # tarfile takes a tar that was cut off for one that ends there: look at its end.
            file.seek(-tarfile.BLOCKSIZE, 2)
            if any(file.read()):
                raise ValueError("it is cut off")
    except BROKEN as error:
        raise SourceError(
            f"{path} is not a root file system's tar: {_said(error)}",
            remedy="give a tar of the root folder, or the folder itself",
        ) from error
    return layer


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """The stream, decompressed as its first bytes say.

    One of zstd that was cut off ends early: layers have digests, and a tar has its own end.
    """
    start = file.read(6)
    file.seek(-len(start), 1)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(file))
    if start.startswith(b"\xfd7zXZ\0"):
        return cast("IO[bytes]", lzma.LZMAFile(file))
    if start.startswith(_ZSTD):
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return cast("IO[bytes]", reader)
    return file


class _Archive:
    """An image archive that is open: its documents and its layers by name."""

    def __init__(
        self, cache: Cache, path: Path, tar: tarfile.TarFile, names: dict[str, tarfile.TarInfo]
    ) -> None:
        self.cache, self.path, self.tar, self.names = cache, path, tar, names

    def image(self) -> tuple[list[Layer], dict[str, Any]]:
        # An archive of a new `docker save` is both: its manifest.json is the shorter way.
        if "manifest.json" in self.names:
            found = self._json("manifest.json")
            if len(found) != 1:
                raise ValueError(f"it holds {len(found)} images, the lab needs one")
            config, layers = self._json(found[0]["Config"]), list(found[0]["Layers"])
        elif "index.json" in self.names:
            manifest = self._oci(self._json("index.json"))
            config = self._json(_blob(manifest["config"]))
            layers = [_blob(layer) for layer in manifest["layers"]]
        else:
            raise ValueError("it has neither manifest.json nor index.json")
        self._check(config, layers)
        settings = config.get("config") or {}
        if not isinstance(settings, dict):
            raise TypeError("its configuration is not an object")
        diff_ids = config["rootfs"]["diff_ids"]
        return [self._layer(*pair) for pair in zip(layers, diff_ids, strict=True)], settings

    def _check(self, config: dict[str, Any], layers: Sequence[str]) -> None:
        if len(config["rootfs"]["diff_ids"]) != len(layers):
            raise ValueError("its configuration names another number of layers")
        found = config.get("architecture")
        if found != architecture():
            raise SourceError(
                f"{self.path} is an image for {found}, this machine is {architecture()}",
                remedy=f"save the image with --platform linux/{architecture()}",
            )

    def _oci(self, index: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        """The image's manifest, through indexes of several platforms."""
        entries = [
            entry
            for entry in index["manifests"]
            if (entry.get("platform") or {}).get("architecture") in {None, architecture()}
        ]
        if len(entries) != 1:
            raise ValueError(f"it holds {len(entries)} images for {architecture()}")
        document: dict[str, Any] = self._json(_blob(entries[0]))
        if "manifests" not in document:
            return document
        if depth > 4:
            raise ValueError("its indexes lead to indexes without an end")
        return self._oci(document, depth + 1)

    def _open(self, name: str) -> tuple[tarfile.TarInfo, IO[bytes]]:
        member = self.names.get(posixpath.normpath(name))
        for _ in range(8):  # docker save before 25 stores a layer twice as a link
            if member is None or not (member.issym() or member.islnk()):
                break
            folder = posixpath.dirname(member.name) if member.issym() else ""
            member = self.names.get(posixpath.normpath(posixpath.join(folder, member.linkname)))
        if member is not None and (member.issym() or member.islnk()):
            raise ValueError(f"{name} is a link that leads round in a circle")
        file = None if member is None else self.tar.extractfile(member)
        if member is None or file is None:
            raise ValueError(f"{name} is missing in it")
        return member, file

    def _json(self, name: str) -> Any:
        member, file = self._open(name)
        if member.size > _DOCUMENT_LIMIT:
            raise ValueError(f"{name} is {member.size} bytes long")
        data = file.read()
        prefix, _, digest = name.rpartition("/")
        if prefix == "blobs/sha256" and hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"{name} does not have the digest that its name states")
        return json.loads(data)

    def _layer(self, name: str, diff_id: str) -> Layer:
        member, file = self._open(name)
        what = f"{name} in {self.path}"
        plain, limit = decompressed(file), _limit(member.size)
        layer = self.cache.layer(lambda out: cast("None", copy(plain, out, what=what, limit=limit)))
        if f"sha256:{layer.digest}" != diff_id:
            raise ValueError(f"layer {name} has sha256:{layer.digest}, it should have {diff_id}")
        return layer


def _limit(size: int) -> int:
    """What a stream of ``size`` bytes may unpack to: beyond it, it is a bomb."""
    return min(max(_FREE, size * _RATIO), LAYER_LIMIT)


def _blob(descriptor: dict[str, Any]) -> str:
    kind, _, digest = str(descriptor["digest"]).partition(":")
    return f"blobs/{kind}/{digest}"


def _pack(root: Path, out: IO[bytes]) -> None:
    """A folder as a tar: sorted, without names of users; times after the epoch are the epoch."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uname = member.gname = ""
        member.mtime = min(int(member.mtime), EPOCH)
        return member

    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(root, arcname=".", filter=plain)  # tarfile adds a folder's entries by name


def _said(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
