"""Kernels of Debian's packages: fetched by mmdebstrap, nothing of them installed or run here."""

from __future__ import annotations

import lzma
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lab.host.content_cache import Cache, Say
from lab.images.sources import archive, bootstrap
from lab.model.errors import SourceError

# Where each kernel is looked for first. A version that is none of these is asked of all suites.
SUITES: Mapping[str, str] = {
    "5.10": "bullseye",
    "6.1": "bookworm",
    "6.12": "trixie",
    "7.2": "sid",
}
PACKAGE = "linux-image-cloud-amd64"  # the build for virtual machines: small, and boots fast
# What the guest needs to mount an image's file system; a kernel may have some of it built in.
MODULES = ("loop", "squashfs")
_IMAGE = re.compile(r"(?:\./)?(?:boot/vmlinuz-(.+)|(?:usr/)?lib/modules/([^/]+)/vmlinuz)")
_MODULE = re.compile(r"(?:.*/)?([^/]+)\.ko(\.xz)?")
_INSTALLED = re.compile(
    r"(?:.*/)?kernel/(?:drivers/block|fs/squashfs|lib|crypto)/(?:.*/)?([^/]+)\.ko(?:\.xz|\.gz|\.zst)?"
)
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What one kernel package gave: the image, and the modules in the order of loading."""

    version: str
    image: Path
    modules: tuple[Path, ...]


def fetch(cache: Cache, suite: str, *, say: Say) -> Package:
    """The kernel of a suite. Fetched once; raises MissingPrerequisite or SourceError."""
    source = bootstrap.key(suite)["source"]

    def make() -> dict[str, Any]:
        say(f"fetching the kernel of {suite} (about 40 MB, once)")
        with cache.temporary() as folder:
            path = folder / "kernel.tar"
            bootstrap.extract(suite, PACKAGE, path, source)
            return _taken(cache, path)

    entry = cache.entry(
        {"kernel": suite, "package": PACKAGE, "source": source},
        make,
        say=say,
        what=f"the kernel of {suite}",
    )
    image, *modules = (cache.kept(digest, size).path for digest, size in entry["layers"])
    return Package(version=entry["version"], image=image, modules=tuple(modules))


def _taken(cache: Cache, path: Path) -> dict[str, Any]:
    """The kernel's image and the modules that are needed, out of a tar of unpacked packages."""
    modules: dict[str, bytes] = {}
    image = version = None
    with tarfile.open(path, mode="r:") as tar:
        for member, data in _files(tar):
            if match := _IMAGE.fullmatch(member):
                version, image = match[1] or match[2], data
            elif match := _MODULE.fullmatch(member):
                modules[match[1].replace("-", "_")] = lzma.decompress(data) if match[2] else data
    if image is None or version is None:
        raise SourceError(f"no kernel image is in {PACKAGE}", remedy="name a bzImage on disk")
    found = [_kept(cache, data) for data in (image, *in_order(modules))]
    return {"version": version, "layers": found}


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    wanted = re.compile(r"kernel/(drivers/block|fs/squashfs|lib|crypto)/")
    for member in tar:
        module = ".ko" in member.name and wanted.search(member.name)
        if member.isfile() and (module or _IMAGE.fullmatch(member.name)):
            file = tar.extractfile(member)
            yield member.name, b"" if file is None else file.read()


def in_order(modules: Mapping[str, bytes]) -> list[bytes]:
    """The needed modules with what they depend on before them; what is missing is built in."""
    order: list[str] = []

    def add(name: str) -> None:
        if name in order or name not in modules:
            return
        depends = _DEPENDS.search(modules[name])
        for other in depends[1].decode().split(",") if depends else ():
            add(other.replace("-", "_"))
        order.append(name)

    for name in MODULES:
        add(name)
    return [modules[name] for name in order]


def on_disk(cache: Cache, folder: Path) -> tuple[Path, ...]:
    """The needed modules of a kernel that is installed, in order; empty where none is there.

    Distributions compress them in their own ways: a guest is given them unpacked.
    """
    paths = {}
    for path in folder.rglob("*.ko*"):
        if match := _INSTALLED.fullmatch(path.relative_to(folder).as_posix()):
            paths[match[1].replace("-", "_")] = path
    modules = {name: _unpacked(path) for name, path in paths.items()}
    kept = (_kept(cache, data) for data in in_order(modules))
    return tuple(cache.kept(str(digest), int(size)).path for digest, size in kept)


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return archive.decompressed(file).read()


def _kept(cache: Cache, data: bytes) -> tuple[str, int]:
    layer = cache.layer(lambda out: cast("None", out.write(data)))
    return layer.digest, layer.size
