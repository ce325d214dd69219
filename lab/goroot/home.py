"""The folder of installed Go versions, and the generations that say which one is current.

    versions/<version>/       whole GOROOTs; each appears by a rename, when all of it is on disk
    generations/<n>-<m>       a link to a version; generation n came after m (0: after nothing)
    current                   a link to a generation: put ROOT/current/bin on PATH
    staged/<version>/         copies in memory
    locks/, tmp/              who changes what; what is not finished

The go command finds its GOROOT from /proc/self/exe, which the kernel gives with every link
resolved (cmd/go/internal/cfg, findGOROOT): a running go command holds on to versions/<version>
whatever becomes of ``current`` meanwhile. Only a GOROOT variable that names ``current`` breaks
that, and nothing here ever sets one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import bases
from lab.bases.sources import ToolchainSource
from lab.bases.toolchain import GOROOT, VERSION
from lab.disk import disk
from lab.errors import DiskFull, InputError, SourceError
from lab.process import run

Say = Callable[[str], None]

ELSEWHERE = "choose another folder with --home or LAB_GOROOTS"
# Go on PyPI and the tree it unpacks to: what a version needs while it is being installed.
NEEDED_BYTES = 450_000_000
_GENERATION = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Generation:
    """One choice of a version. ``after`` is the number of the one before it; 0 is none."""

    number: int
    after: int
    version: str

    @property
    def name(self) -> str:
        return f"{self.number}-{self.after}"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds the versions."""

    root: Path

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def generations_dir(self) -> Path:
        return self.root / "generations"

    def tree(self, version: str) -> Path:
        """The GOROOT of a version, whether it is installed or not."""
        return self.root / "versions" / version

    def versions(self) -> tuple[str, ...]:
        """The installed versions, oldest release first."""
        place = self.root / "versions"
        found = [path.name for path in place.iterdir()] if place.is_dir() else []
        return tuple(sorted(found, key=_release))

    def generations(self) -> dict[int, Generation]:
        """Every generation by its number."""
        found = {}
        for path in self.generations_dir.iterdir() if self.generations_dir.is_dir() else ():
            if match := _GENERATION.fullmatch(path.name):
                number, after = int(match[1]), int(match[2])
                found[number] = Generation(number, after, path.readlink().name)
        return found

    def now(self) -> Generation | None:
        """The current generation; None where no version was ever chosen."""
        try:
            match = _GENERATION.fullmatch(self.current.readlink().name)
        except OSError:
            return None
        return self.generations().get(int(match[1])) if match else None

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock of this home; the kernel lets go of it when its holder ends."""
        with disk(self.root, ELSEWHERE):
            for folder in ("versions", "generations", "staged", "locks", "tmp"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            file = (self.root / "locks" / name).open("w")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def installed(self, version: str) -> Path:
        """The GOROOT of a version. Raises InputError where it is not installed."""
        checked(version)
        tree = self.tree(version)
        if not tree.is_dir():
            there = ", ".join(self.versions()) or "none"
            raise InputError(
                f"Go {version} is not installed in {self.root} (there: {there})",
                remedy=f"lab goroot install {version}",
            )
        return tree


def checked(version: str) -> str:
    """The version itself. Raises InputError where it is none: it becomes part of a path."""
    if not VERSION.fullmatch(version):
        raise InputError(f"{version!r} is not a Go version", remedy="for example 1.22.10")
    return version


def install(home: Home, version: str, *, say: Say) -> Path:
    """Install a version beside the others; where it is there already, nothing is done."""
    with home.locked("install"):
        for left in (home.root / "tmp").iterdir():  # of an installation that was killed
            shutil.rmtree(left, ignore_errors=True)
        tree = home.tree(checked(version))
        if tree.is_dir():
            return tree
        free = shutil.disk_usage(home.root).free
        if free < NEEDED_BYTES:
            raise DiskFull(f"{home.root} has {free} bytes free", remedy=ELSEWHERE)
        source = ToolchainSource(kind="go", value=version, name=version)
        found, layer = bases.go_layer(source, say=say)
        with disk(home.root, ELSEWHERE):
            draft = Path(tempfile.mkdtemp(dir=home.root / "tmp"))
            try:
                _unpack(layer, draft)
                _check(draft, found)
                draft.chmod(0o755)
                # The rename must not reach the disk before what it names.
                run(["sync", "--file-system", draft])
                draft.rename(tree)
                fsync(tree.parent)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return tree


def remove(home: Home, version: str) -> None:
    """Remove an installed version. Raises InputError where it is the current one."""
    tree = home.installed(version)
    with home.locked("install"), home.locked("switch"):
        now = home.now()
        if now is not None and now.version == version:
            raise InputError(
                f"Go {version} is the current one", remedy="first: lab goroot use another version"
            )
        with disk(home.root, ELSEWHERE):
            grave = home.root / "tmp" / f"removed-{version}-{os.getpid()}"
            tree.rename(grave)  # nobody ever meets half a version
            shutil.rmtree(grave)


def fsync(folder: Path) -> None:
    """Bring a folder's names to the disk: renames and links in it survive a loss of power."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unpack(layer: Path, draft: Path) -> None:
    with tarfile.open(layer) as tar:
        for member in tar:
            rest = member.name.removeprefix(GOROOT).lstrip("/")
            if not member.name.startswith(GOROOT) or not rest:
                continue
            member.name = rest
            tar.extract(member, draft, filter="data")


def _check(draft: Path, version: str) -> None:
    said = run([draft / "bin/go", "version"], environment={"GOTOOLCHAIN": "local"}).out
    if f"go{version} " not in said:
        raise SourceError(f"the toolchain of Go {version} says of itself: {said.strip()}")


def _release(version: str) -> tuple[int | str, ...]:
    return tuple(int(word) if word.isdecimal() else -1 for word in re.split(r"(\d+)", version)[1:])
