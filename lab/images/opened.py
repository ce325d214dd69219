"""An image opened for reading, by any name that a user has for it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engines.protocol import ImageArchive
from lab.host.content_cache import Cache, Layer
from lab.host.paths import cache_dir
from lab.images import exported, names
from lab.images.sources import archive, base_images, image_tar
from lab.images.sources.contents import Contents
from lab.images.sources.types import BaseSource, ToolchainSource
from lab.model.errors import ImageNotFound, SourceError

_FILES = frozenset({".tar", ".gz", ".tgz", ".xz", ".zst", ".oci"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An image: its layers from the lowest, its runtime settings, and the view of them together.

    ``archive`` is what an engine loads to run it, ``moved`` the same with a layer more; ``suite``
    is what it was bootstrapped from, ``source`` and ``toolchain`` what it was made of, where the
    lab made it.
    """

    name: str
    origin: str
    layers: tuple[Layer, ...]
    settings: Mapping[str, Any]
    contents: Contents
    archive: ImageArchive
    moved: ImageArchive | None = None
    suite: str | None = None
    source: BaseSource | None = None
    toolchain: ToolchainSource | None = None


def opened(
    text: str,
    *,
    say: Callable[[str], None],
    cache: Path | None = None,
    endpoints: Mapping[str, str] | None = None,
) -> Opened:
    """The image of a name; ``endpoints`` are addresses of engines by their names.

    Raises ImageNotFound where there is none, SourceError, MissingPrerequisite, DiskFull,
    StoreError, and where the name is an engine's image what engines raise.
    """
    path = Path(text)
    if path.exists():
        return _of_path(path, cache)
    if (there := names.held(text)) is not None:
        return _of_engine(*there, endpoints or {}, cache)
    found = names.suite(text)
    if found is None or names.meant(text) is not None:
        raise absent(text)
    suite, go = found
    return of_source(
        BaseSource(kind="suite", value=suite, name=suite),
        ToolchainSource(kind="go", value=go, name=go) if go else None,
        say=say,
        cache=cache,
    )


def absent(text: str) -> ImageNotFound:
    """That an image's name names nothing, and what could have been meant."""
    said = f"there is no image {text!r} on this disk"
    if (meant := names.meant(text)) is not None:
        return ImageNotFound(said, remedy=f"did you mean {meant}?")
    if Path(text).suffix in _FILES:
        return ImageNotFound(said, remedy="name the file by its path from here")
    return ImageNotFound(
        said, remedy=f"name {names.FORMS}; `docker save -o FILE {text}` makes a file of an image"
    )


def of_source(
    source: BaseSource,
    toolchain: ToolchainSource | None = None,
    *,
    say: Callable[[str], None],
    cache: Path | None = None,
) -> Opened:
    """The image of a scenario's base, with a toolchain on it where one is named."""
    if source.kind == "local":
        return opened(source.value, say=say, cache=cache)
    base = base_images.base(source, say=say, cache=cache)
    if base.image.path is None:
        raise SourceError(
            f"{base.image.ref} is in a registry: the lab reads images on disk",
            remedy=f"save it with `docker save -o FILE {base.image.ref}` and name it as an archive",
        )
    name = source.name
    if toolchain is not None and toolchain.kind != "base":
        base = base_images.with_toolchain(base, toolchain, say=say, cache=cache)
        name = f"{name}+go{base.go}"
    assert base.image.path is not None  # noqa: S101 - with_toolchain keeps what has a path
    found, settings = image_tar.read(base.image.path)
    store = _store(cache)
    layers = tuple(store.kept(digest, size) for digest, size in found)
    return Opened(
        name=name,
        origin=base.origin,
        layers=layers,
        settings=settings,
        contents=Contents([layer.path for layer in layers]),
        archive=base.image,
        moved=base.moved,
        suite=source.value if source.kind == "suite" else None,
        source=source,
        toolchain=toolchain,
    )


def _of_path(path: Path, cache: Path | None) -> Opened:
    store = _store(cache)
    origin = f"folder {path}" if path.is_dir() else f"file {path}"
    if path.is_dir() and (path / "oci-layout").is_file():
        layers, settings = _of_layout(store, path)
        origin = f"OCI layout {path}"
    elif path.is_dir() or not _is_image(path):
        layers, settings = [archive.rootfs(store, path)], {}
    else:
        layers, settings = archive.image(store, path)
    name = path.name or str(path)
    return _of_layers(store, name, origin, layers, settings)


def _of_layout(store: Cache, path: Path) -> tuple[list[Layer], dict[str, Any]]:
    """An OCI layout as a folder: what an OCI archive holds, without its tar."""
    with store.temporary() as folder:
        packed = folder / (path.name or "layout")
        with tarfile.open(packed, "w") as tar:
            tar.add(path, arcname=".")
        return archive.image(store, packed)


def _of_engine(engine: str, ref: str, endpoints: Mapping[str, str], cache: Path | None) -> Opened:
    store = _store(cache)
    layers, settings, identity = exported.layers(store, engine, ref, endpoints)
    origin = f"image {identity.removeprefix('sha256:')[:12]} of {engine}"
    return _of_layers(store, f"{engine}:{ref}", origin, layers, settings)


def _of_layers(
    store: Cache, name: str, origin: str, layers: list[Layer], settings: Mapping[str, Any]
) -> Opened:
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", name).lstrip(".-")[:80] or "image"
    image, moved = image_tar.images(store, tag, layers, settings)
    return Opened(
        name=name,
        origin=origin,
        layers=tuple(layers),
        settings=settings,
        contents=Contents([layer.path for layer in layers]),
        archive=image,
        moved=moved,
    )


def _is_image(path: Path) -> bool:
    """Whether a file is an image's archive rather than the tar of a root folder."""
    try:
        with (
            path.open("rb") as file,
            tarfile.open(fileobj=archive.decompressed(file), mode="r|") as tar,
        ):
            for count, member in enumerate(tar):
                if member.name.removeprefix("./") in {"manifest.json", "index.json", "oci-layout"}:
                    return True
                if count > 100_000:
                    break
    except OSError as error:
        raise SourceError(
            f"cannot read {path}: {error.strerror or error}", remedy="make it readable"
        ) from error
    except archive.BROKEN:
        pass  # what is wrong with it is said by who reads it whole
    return False


def _store(cache: Path | None) -> Cache:
    return Cache(cache_dir() / "bases" if cache is None else cache)


def empty() -> Opened:
    """``FROM scratch``: nothing at all, and nothing that an engine could load."""
    return Opened(
        name="scratch",
        origin="no files",
        layers=(),
        settings={},
        contents=Contents([]),
        archive=ImageArchive(ref="scratch", id=None, path=None),
    )
