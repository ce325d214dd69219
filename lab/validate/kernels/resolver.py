"""The kernel that a name means: of this host, of a Debian package, or a bzImage on disk."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from lab.host.content_cache import Cache, Say
from lab.host.debian import SUITE
from lab.host.paths import cache_dir
from lab.model.errors import MissingPrerequisite, SourceError
from lab.validate.kernels import packages
from lab.validate.kernels.machine import Kernel

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
_MAGIC = b"HdrS"  # at byte 0x202 of a bzImage: Documentation/arch/x86/boot.rst


def resolve(name: str, *, say: Say = lambda _: None, cache: Path | None = None) -> Kernel:
    """The kernel of a name: ``6.1`` (a Debian package), ``suite:sid``, ``host``, or a path.

    ``6.6=/path/bzImage`` gives a path a name of its own. Kernel arguments follow a comma:
    ``6.1,secretmem.enable=1``. Raises SourceError or MissingPrerequisite with what to provide.
    """
    asked, _, arguments = name.partition(",")
    label, equals, path = asked.partition("=")
    if equals or "/" in asked:
        found = _on_disk(label if equals else Path(asked).name, Path(path if equals else asked))
    elif asked == "host":
        found = of_host(Path("/"), _store(cache))
    elif asked.startswith("suite:") or _VERSION.fullmatch(asked):
        found = _of_package(asked, _store(cache), say)
    else:
        raise SourceError(
            f"{asked!r} names no kernel",
            remedy="a version (6.1), suite:NAME, host, or the path of a bzImage",
        )
    if not arguments:
        return found
    return Kernel(
        name=name,
        version=found.version,
        image=found.image,
        modules=found.modules,
        origin=found.origin,
        arguments=arguments.replace(",", " "),
    )


def _of_package(asked: str, cache: Cache, say: Say) -> Kernel:
    suite = asked.removeprefix("suite:") if asked.startswith("suite:") else None
    if suite is not None and not SUITE.fullmatch(suite):
        raise SourceError(f"{suite!r} is not a suite's code name", remedy="suite:bookworm")
    suites = [suite] if suite else [packages.SUITES[asked]] if asked in packages.SUITES else []
    for one in suites or dict.fromkeys(packages.SUITES.values()):
        package = packages.fetch(cache, one, say=say)
        if suite or f"{package.version}.".startswith((f"{asked}.", f"{asked}-", f"{asked}+")):
            return Kernel(
                name=asked,
                version=package.version,
                image=package.image,
                modules=package.modules,
                origin=f"{packages.PACKAGE} of {one}",
            )
    raise SourceError(
        f"no kernel {asked} is in Debian's archive: it has {', '.join(packages.SUITES)}",
        remedy=f"provide a bzImage that brings squashfs and loop: {asked}=/path/to/bzImage",
    )


def _on_disk(label: str, image: Path) -> Kernel:
    """A bzImage. Its modules are not looked for: it must bring squashfs and the loop device."""
    try:
        with image.open("rb") as file:
            file.seek(0x202)
            magic = file.read(4)
    except OSError as error:
        raise SourceError(
            f"cannot read the kernel {image}: {error.strerror}", remedy="check its path"
        ) from error
    if magic != _MAGIC:
        raise SourceError(
            f"{image} is not a bzImage",
            remedy="give the compressed image (arch/x86/boot/bzImage, or /boot/vmlinuz-*), "
            "not an ELF vmlinux",
        )
    return Kernel(name=label, version=None, image=image.absolute(), origin=str(image))


def _store(folder: Path | None) -> Cache:
    return Cache(cache_dir() / "kernels" if folder is None else folder)


def of_host(root: Path, cache: Cache) -> Kernel:
    """The running kernel, as its distribution installed it below ``root``."""
    release = platform.release()
    for place in (root / f"boot/vmlinuz-{release}", root / f"usr/lib/modules/{release}/vmlinuz"):
        if os.access(place, os.R_OK):
            kernel = _on_disk("host", place)
            modules = packages.on_disk(cache, root / "lib/modules" / release)
            return Kernel(
                name="host",
                version=release,
                image=kernel.image,
                modules=modules,
                origin=f"this host's {place}",
            )
    raise MissingPrerequisite(
        f"the image of this host's kernel {release} is not on its disk",
        remedy="to boot it, name its bzImage: host=/path/to/bzImage",
    )
