"""Copies of a GOROOT in memory: read-only, checked by their sums, refreshed without a mixture.

    staged/<version>/            a tmpfs, mounted read-only; without root, a link into /dev/shm
      trees/<n>/                 the copy; n+1 shares with n what did not change (hard links)
      trees/<n>.sha256           its sums, for sha256sum --check
      now                        a link to the tree in effect: put staged/<version>/now/bin on PATH

A go command that runs from trees/<n> keeps that tree while a refresh makes trees/<n+1>: the go
command resolves links before it looks for its GOROOT (see lab.golang.goroot.home). The next refresh
removes it. A copy is made at staged/.draft, and what a killed lab leaves there is taken away by the
next one.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.golang.goroot import copying, fsmount, shared_memory, sums
from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home, Say, checked, relink
from lab.host import facts as host
from lab.host import signals
from lab.host.disk import disk
from lab.host.process import found
from lab.model import units
from lab.model.errors import InputError, MissingPrerequisite, StoreError

SOURCE = "lab-goroot-stage"
ROOM = 2  # the limit is so many copies: a refresh holds the old and the new one
DRAFT = ".draft"
LEFT = 256 << 20  # bytes of memory that have to stay free

_ELSEWHERE = "lab goroot unstage, and stage it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A version's copy in memory. ``used`` and ``limit`` are bytes of its file system."""

    version: str
    place: Path
    means: Literal["mount", "folder"]
    tree: int
    used: int
    limit: int
    read_only: bool

    @property
    def goroot(self) -> Path:
        return self.place / "now"

    @property
    def words(self) -> str:
        """A copy in a few words."""
        rights = "read-only" if self.read_only else "writable"
        sizes = f"{units.size(self.used)} of {units.size(self.limit)}"
        return f"{self.means}, {rights}, copy {self.tree}, {sizes}"

    def to_json(self) -> dict[str, Any]:
        """A copy for programs; sizes in bytes."""
        return {
            "version": self.version,
            "goroot": str(self.goroot),
            "means": self.means,
            "copy": self.tree,
            "used": self.used,
            "limit": self.limit,
            "read_only": self.read_only,
        }


def stage(home: Home, version: str, *, size: int | None = None, say: Say) -> Staged:
    """Copy an installed version into memory, or bring the copy there up to date.

    ``size`` limits the file system, in bytes. Raises InputError where that is too small,
    MissingPrerequisite where memory is, StoreError where the copy cannot be made equal to its
    source.
    """
    source = home.installed(version)
    if found("rsync") is None:
        raise MissingPrerequisite("there is no rsync on this host", remedy="lab doctor --install")
    with home.locked("stage"), disk(place_of(home, version), _ELSEWHERE):
        _sweep(home)
        wanted = sums.of(source)
        known = of(home, version)
        if known is not None:
            if size is not None and size != known.limit:
                raise InputError(
                    f"Go {version} is staged with {units.size(known.limit)}",
                    remedy="lab goroot unstage it first, or leave --size out",
                )
            _refresh(home, known, source, wanted, say)
        else:
            limit = _limit(source, size)
            if _mountable():
                _mount(home, version, source, wanted, limit)
            else:
                target = shared_memory.fill(home, version, source, wanted)
                relink(place_of(home, version), target)
        after = of(home, version)
        if after is None:
            raise StoreError(f"Go {version} is not staged although it was", remedy=_ELSEWHERE)
        return after


def unstage(home: Home, version: str, *, lazy: bool = False) -> bool:
    """Give a copy's memory back; False where there is none.

    Raises StoreError where processes still use it; ``lazy`` hides it from all others meanwhile.
    """
    place = place_of(home, checked(version))
    with home.locked("stage"), disk(place, "end what uses it"):
        _sweep(home)
        gone = False
        while _mounted(place):
            gone = True
            if not fsmount.unmount(place, lazy=lazy):
                users = ", ".join(_users(place)) or "another mount namespace"
                raise StoreError(
                    f"{place} is in use by {users}",
                    remedy="end them, or --lazy: the memory comes back when they end",
                )
        if place.is_symlink():
            gone = True
            copying.remove(folder := place.readlink())
            place.unlink()
            with contextlib.suppress(OSError):  # other versions may be there
                folder.parent.rmdir()
        elif place.is_dir():
            place.rmdir()
        return gone


def remove(home: Home, version: str) -> None:
    """Remove an installed version. Raises InputError where it is staged, or current."""
    if of(home, version) is not None:
        raise InputError(f"Go {version} is staged", remedy=f"lab goroot unstage {version}")
    homes.remove(home, version)


def staged(home: Home) -> tuple[Staged, ...]:
    """Every copy in memory."""
    folder = home.root / "staged"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return tuple(one for name in names if (one := of(home, name)) is not None)


def of(home: Home, version: str) -> Staged | None:
    """The copy of one version; None where there is none."""
    place = place_of(home, version)
    try:
        tree = int((place / "now").readlink().name)
        facts = os.statvfs(place)
    except (OSError, ValueError):
        return None
    means: Literal["mount", "folder"] = "folder" if place.is_symlink() else "mount"
    if means == "mount" and not _mounted(place):
        return None
    whole = facts.f_blocks * facts.f_frsize
    used = (facts.f_blocks - facts.f_bfree) * facts.f_frsize
    return Staged(
        version=version,
        place=place,
        means=means,
        tree=tree,
        used=used if means == "mount" else copying.size_of(place / "now"),
        limit=whole,
        read_only=bool(facts.f_flag & os.ST_RDONLY) or means == "folder",
    )


def difference(one: Staged) -> sums.Difference:
    """How a copy differs from the sums that were taken of its source."""
    return sums.difference(copying.sums_of(one.place / "trees", one.tree), sums.of(one.goroot))


def place_of(home: Home, version: str) -> Path:
    """Where the copy of a version is, or would be."""
    return home.root / "staged" / version


def _limit(source: Path, size: int | None) -> int:
    """The limit of the file system, in bytes, when there is room for a copy."""
    needed = copying.size_of(source)
    if size is not None and size < needed:
        raise InputError(
            f"{source} needs {units.size(needed)} in memory: {units.size(size)} are too few",
            remedy=f"--size {-(-needed * ROOM >> 20)}MiB holds it, and a second one for a refresh",
        )
    _room(needed, source)
    return size or needed * ROOM


def _room(needed: int, source: Path) -> None:
    free = host.memory_available()
    if free is not None and free - LEFT < needed:
        raise MissingPrerequisite(
            f"{source} needs {units.size(needed)} in memory, and {units.size(free)} are free, "
            f"of which {units.size(LEFT)} have to stay so",
            remedy="end what holds memory; lab goroot unstage gives copies back",
        )


def _mountable() -> bool:
    """Whether this process may mount a tmpfs: asked of the kernel, root may lack the right too."""
    with contextlib.suppress(MissingPrerequisite), fsmount.detached("tmpfs", {"size": "4k"}, 0):
        return True
    return False


def _mount(home: Home, version: str, source: Path, wanted: sums.Sums, limit: int) -> None:
    place = place_of(home, version)
    if place.is_symlink():  # of a user without root, before this machine started anew
        place.unlink()
    place.mkdir(exist_ok=True)
    options = {"source": SOURCE, "size": str(limit), "mode": "755"}
    attributes = fsmount.NO_SUID | fsmount.NO_DEV
    with fsmount.detached("tmpfs", options, attributes) as mount, _draft(home, mount) as ground:
        copying.fill(ground, source, wanted, before=0)
        with fsmount.clone(ground) as whole:
            fsmount.protect(whole, True)
            fsmount.move(whole, place)


@contextlib.contextmanager
def _draft(home: Home, mount: int) -> Iterator[Path]:
    """A detached mount where only the lab looks. rsync asks for its own folder's path, which what
    is mounted nowhere has not. A killed one's is taken away by the next.
    """
    ground = home.root / "staged" / DRAFT
    ground.mkdir(exist_ok=True)
    fsmount.move(mount, ground)
    try:
        yield ground
    finally:
        with signals.shielded():
            fsmount.unmount(ground, lazy=True)


def _refresh(home: Home, known: Staged, source: Path, wanted: sums.Sums, say: Say) -> None:
    old = copying.sums_of(known.place / "trees", known.tree)
    if old == wanted and not sums.difference(old, sums.of(known.goroot)):
        say(f"Go {known.version} is staged already, and nothing changed")
        return
    changed = [name for name, digest in wanted.items() if old.get(name) != digest]
    _room(
        sum((source / name).stat().st_size + copying.PAGE + copying.INODE for name in changed),
        source,
    )
    if known.means == "folder":
        ground = known.place.readlink()
        copying.fill(ground, source, wanted, before=known.tree, locked=True)
    else:
        with fsmount.clone(known.place) as mount:
            fsmount.protect(mount, False)
            with _draft(home, mount) as ground:
                copying.fill(ground, source, wanted, before=known.tree)
    gone = len(old.keys() - wanted.keys())
    say(f"Go {known.version}: {len(changed)} files copied, {gone} removed")


def _sweep(home: Home) -> None:
    """Remove drafts that were never finished, and folders of copies that nothing leads to."""
    draft = home.root / "staged" / DRAFT
    while _mounted(draft):
        fsmount.unmount(draft, lazy=True)
    for folder in shared_memory.folders(home):
        place = place_of(home, folder.name)
        if folder.name.startswith(".") or not place.is_symlink() or place.readlink() != folder:
            copying.remove(folder)


def _mounted(place: Path) -> bool:
    return any(mount.point == place and mount.source == SOURCE for mount in host.mounts())


def _users(place: Path) -> Iterator[str]:
    """The processes that run from a place, or in it."""
    for process in Path("/proc").iterdir():
        if re.fullmatch(r"\d+", process.name):
            with contextlib.suppress(OSError):
                uses = [(process / name).readlink() for name in ("exe", "cwd", "root")]
                if any(path.is_relative_to(place) for path in uses):
                    yield f"{(process / 'comm').read_text().strip()} ({process.name})"
