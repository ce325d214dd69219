"""Where bases and toolchains come from, as a scenario names them, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lab.engines.protocol import ImageArchive

BaseKind = Literal["image", "suite", "archive", "rootfs", "local"]
ToolchainKind = Literal["base", "go", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSource:
    """A base image's source.

    ``value`` is a registry reference (image), a suite's code name (suite), or a path: of a
    docker-archive or OCI archive (archive), of a root file system as tar or folder (rootfs), or
    any name that lab.images.opened reads (local).
    ``sha256`` is what the file named by ``value`` must have, in hex. ``packages`` are those of a
    suite that the base has besides the smallest set.
    """

    kind: BaseKind
    value: str
    name: str
    sha256: str | None = None
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainSource:
    """A Go toolchain's source.

    ``value`` is a Go version (go), the path of a go.tar.gz (archive), or nothing (base: the base
    brings its own). ``sha256`` is what that archive must have, in hex.
    """

    kind: ToolchainKind
    value: str
    name: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image, ready to be loaded.

    ``moved`` is the same with one tiny layer on top: what a builder sees after its base moved; a
    registry's image has none. ``glibc`` and ``go`` are read out of the image: None where it holds
    none, and where it is still in a registry. ``digest`` names the content ("sha256:..."; the
    reference itself for a registry's image), ``origin`` says in words where it came from.
    """

    name: str
    image: ImageArchive
    moved: ImageArchive | None
    glibc: str | None
    go: str | None
    digest: str
    origin: str
