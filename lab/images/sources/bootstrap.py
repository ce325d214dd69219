"""An operating system suite made into a minimal root file system by mmdebstrap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.host import debian
from lab.host.content_cache import Cache, Layer, Say
from lab.images.sources.image_tar import architecture
from lab.model.errors import SourceError

# What no build reads, and every engine would load and keep (40 of 165 MB), and /dev, which every
# container gets afresh and which an engine without root could not make. mmdebstrap itself clears
# apt's lists and packages.
TRIMMED = ("--skip=output/dev", *debian.TRIMMED)
_RECIPE = 1  # counts up when the options change, so that no older base is taken for a new one


def key(suite: str, packages: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that decides what the bootstrap makes, as far as the lab decides it."""
    if not debian.SUITE.fullmatch(suite):
        raise SourceError(
            f"{suite!r} is not a suite's code name", remedy="bookworm, trixie, sid ..."
        )
    found = {"suite": suite, "recipe": _RECIPE, "arch": architecture(), "source": source(suite)}
    if not all(debian.PACKAGE.fullmatch(name) for name in packages):
        raise SourceError(f"{' '.join(packages)!r} names no packages", remedy="gcc, libc6-dev ...")
    return found | ({"packages": list(packages)} if packages else {})


def source(suite: str) -> str | None:
    """The apt source of a suite that is not the host's: the host's mirror, main archive alone.

    The host's own suite needs none (mmdebstrap takes the host's). Of other suites the security
    archive may list files that are gone, so the main archive is the whole source.
    """
    if suite == debian.host_codename():
        return None
    mirror = debian.mirror()
    return None if mirror is None else f"deb {mirror} {suite} main"


def layer(
    cache: Cache, suite: str, apt_source: str | None, packages: Sequence[str] = (), *, say: Say
) -> Layer:
    """Bootstrap a suite.

    Takes 15 to 40 s and the network; raises MissingPrerequisite, SourceError.
    """
    more = f" and {', '.join(packages)}" if packages else ""
    say(f"bootstrapping {suite}{more} with mmdebstrap (about half a minute, once)")
    options = ["--variant=minbase", "--format=tar", *TRIMMED]
    options += [f"--include={','.join(packages)}"] if packages else []
    with cache.temporary() as folder:
        path = folder / "root.tar"
        debian.mmdebstrap(options, suite, path, apt_source, what=f"the base {suite}")
        return cache.adopt(path)


def extract(suite: str, package: str, path: Path, apt_source: str | None) -> None:
    """Unpack a package and what it depends on into a tar; none of it is installed or run.

    ``path`` is in a folder of its own. Takes 5 to 10 s; raises MissingPrerequisite, SourceError.
    """
    options = ["--variant=extract", "--format=tar", f"--include={package}"]
    options.append(f"--aptopt={debian.OLD_RELEASE}")
    debian.mmdebstrap(options, suite, path, apt_source, what=f"{suite}'s {package}")
