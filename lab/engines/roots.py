"""Root folders with an engine's programs: bootstrapped once and cached, or the user's own.

A root is only read: an engine sees it below an overlay whose upper layer goes with its namespaces.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.engines import archive
from lab.host import debian, paths, process
from lab.host.content_cache import Cache, Say
from lab.model.engine_name import Spec, matches
from lab.model.errors import EngineUnavailable, InputError

# git is what a builder fetches `ADD https://...git` with; xz unpacks what ADD is given.
_COMMON = ("ca-certificates", "git", "iptables", "xz-utils")
_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "docker": ("docker.io", *_COMMON),
    "podman": ("podman", "crun", "runc", "netavark", "aardvark-dns", "fuse-overlayfs", *_COMMON),
}
_RECIPE = 1  # counts up when packages or options change, so that no older root is taken
_MADE = f"{platform.machine()}_{_RECIPE}"
_PLACES = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
PATH = ":".join(f"/{place}" for place in _PLACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Where an engine's programs come from: this host, or the folder ``root``.

    ``about`` says in words which they are.
    """

    root: Path | None = None
    about: str = "this host's own"

    def find(self, name: str) -> Path | None:
        """Where a program lies, as the engine sees it."""
        if self.root is None:
            return process.found(name)
        found = (place for place in _PLACES if os.path.lexists(self.root / place / name))
        return next((Path("/") / place / name for place in found), None)

    def has(self, path: str) -> bool:
        """Whether there is a file of this absolute path."""
        return os.path.lexists(path if self.root is None else self.root / path.lstrip("/"))


HOST = Programs()


def programs(spec: Spec, say: Say) -> Programs:
    """The programs of a named engine, bootstrapped where they are not there yet.

    Raises EngineUnavailable, SourceError, MissingPrerequisite, DiskFull, StoreError.
    """
    if not spec.chosen:
        return HOST
    if os.geteuid() != 0:
        raise EngineUnavailable(
            f"only root can start {spec.text}: its programs get a root of their own",
            remedy=f"run the lab as root, or take {spec.family} as it is here",
        )
    if spec.root is not None:
        return _own(spec, spec.root)
    cache = store()
    known = max(_cached(spec, cache), key=lambda root: _numbers(root.version), default=None)
    if known is None:
        suite, version = archive.locate(spec, cache, say)
        known = _bootstrapped(spec, cache, suite, version, say)
    return Programs(root=known.folder, about=f"{known.package} {known.version} of {known.suite}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A cached root: its name says all that decides its content."""

    package: str
    version: str
    suite: str
    folder: Path


def store() -> Cache:
    """Where roots are kept."""
    return Cache(paths.cache_dir() / "roots")


def cached(cache: Cache) -> Iterator[Root]:
    """The roots that can be started at once."""
    for folder in cache.folders():
        package, version, suite, made = folder.name.split("_", 3)
        if made == _MADE:
            yield Root(package=package, version=version, suite=suite, folder=folder)


def _cached(spec: Spec, cache: Cache) -> Iterator[Root]:
    for root in cached(cache):
        same = root.package == archive.PACKAGES[spec.program]
        if same and matches(spec.version, root.version):
            yield root


def _bootstrapped(spec: Spec, cache: Cache, suite: str, version: str, say: Say) -> Root:
    package = archive.PACKAGES[spec.program]
    number = version.rpartition(":")[2]  # without an epoch, as packages' files are named
    name = f"{package}_{number}_{suite}_{_MADE}"
    what = f"a root with {package} {number} of {suite}"

    def make(folder: Path) -> None:
        say(f"bootstrapping {what} with mmdebstrap (about half a minute, once)")
        include = f"--include={','.join(_PACKAGES[spec.program])}"
        options = ["--variant=essential", "--format=directory", *debian.TRIMMED, include]
        debian.mmdebstrap(options, suite, folder, archive.apt_source(suite), what=what)

    folder = cache.folder(name, make, say=say, what=what)
    return Root(package=package, version=number, suite=suite, folder=folder)


def _own(spec: Spec, root: Path) -> Programs:
    daemon = {"docker": "dockerd", "podman": "podman"}[spec.program]
    found = Programs(root=root.resolve(), about=f"out of {root}")
    if not root.is_dir():
        raise InputError(f"{spec.text}: there is no folder {root}", remedy="name a root folder")
    if found.find(daemon) is None:
        raise InputError(
            f"{spec.text}: no {daemon} lies in {root}",
            remedy=f"name a root folder with {daemon} in one of {PATH}",
        )
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in archive.plain(version).split(".") if part.isdecimal())
