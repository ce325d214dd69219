"""Which version is current: changed in one step, and back in one step.

A link behind ROOT/current is renamed over: a path that goes through it leads to the old version or
to the new one. Where a folder that is no link has to show the version (/usr/local/go of a
distribution), an overlay of links through ROOT/current is mounted on it, once: from then on the
rename switches what it shows. Either way the go command's own path, with links resolved, names a
version: see lab.golang.goroot.home.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.golang.goroot import mounting
from lab.golang.goroot.home import ELSEWHERE, Generation, Home, relink
from lab.host.disk import disk
from lab.model.errors import InputError, MissingPrerequisite, StoreError

How = Literal["link", "overlay"]
KEPT = 10  # generations one can go back


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is in effect. ``warnings`` name what would let a build see two versions."""

    current: str | None
    previous: str | None
    go: Path | None
    place: Path | None
    how: How | None
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "current": self.current,
            "previous": self.previous,
            "go": str(self.go) if self.go else None,
            "at": str(self.place) if self.place else None,
            "how": self.how,
            "warnings": list(self.warnings),
        }


def means(place: Path | None, wished: How | None) -> How:
    """How a place is switched on this host.

    Raises MissingPrerequisite or InputError where it cannot be.
    """
    folder = place is not None and place.is_dir() and not place.is_symlink()
    how: How = wished or ("overlay" if folder else "link")
    if how == "link" and folder:
        raise InputError(
            f"{place} is a folder: no link can take its place in one step",
            remedy="--how overlay mounts over it, or name a path that is not there yet",
        )
    if how == "link" and place is not None and not os.access(place.parent, os.W_OK):
        raise StoreError(
            f"{place} cannot be made: its folder is not there, or not this user's to write",
            remedy="name another place with --at, or run as root",
        )
    if how == "overlay":
        if place is None or not folder:
            raise InputError(
                "an overlay is mounted on a folder", remedy="name one with --at, or --how link"
            )
        if why := mounting.possible():
            raise MissingPrerequisite(
                f"{place} is a folder, and {why}",
                remedy=f"leave --at out and put {place.name}'s place in PATH behind the link's, "
                "or run as root",
            )
    return how


def use(home: Home, version: str, *, place: Path | None = None, how: How | None = None) -> How:
    """Make an installed version the current one; also at ``place``, as a link or an overlay."""
    home.installed(version)
    chosen = means(place, how)
    with home.locked("switch"), disk(home.root, ELSEWHERE):
        known = home.generations()
        now = home.now(known)
        number = max(known, default=0) + 1
        generation = Generation(number, now.number if now else 0, version)
        link = home.generations_dir / generation.name
        link.symlink_to(os.path.join("..", "versions", version))  # noqa: PTH118 (not resolved)
        _point(home, generation, place, chosen)
        _forget(home, known | {number: generation}, number)
    return chosen


def rollback(home: Home, *, place: Path | None = None, how: How | None = None) -> str:
    """Go back to the version before; which one that is. Raises InputError where there is none."""
    chosen = means(place, how)
    with home.locked("switch"), disk(home.root, ELSEWHERE):
        known = home.generations()
        now = home.now(known)
        before = known.get(now.after) if now else None
        if before is None:
            raise InputError(
                "there is no earlier version to go back to",
                remedy="lab goroot list shows what is installed; lab goroot use VERSION",
            )
        home.installed(before.version)
        _point(home, before, place, chosen)
    return before.version


def release(place: Path) -> int:
    """Take the lab's overlays from a place; how many there were."""
    return mounting.unmount(place)


def status(home: Home, environment: Mapping[str, str], *, place: Path | None = None) -> Status:
    """What is in effect, and what in the environment would break the promise of one version."""
    now = home.now()
    before = home.generations().get(now.after) if now else None
    warnings = []
    set_to = environment.get("GOROOT")
    # Of an overlay of the lab's only what it holds are links.
    if set_to and (Path(set_to) / "bin").resolve() != Path(set_to).absolute() / "bin":
        warnings.append(
            f"GOROOT={set_to} leads through a link: a build under way during a switch would see "
            "two versions; unset GOROOT, the go command finds its own"
        )
    overlays = mounting.mounted(place) if place else 0
    if now and place and not _shows(place, home.tree(now.version)):
        warnings.append(f"{place} does not show Go {now.version}: lab goroot use it again")
    if overlays > 1:
        warnings.append(f"{overlays} overlays are on {place}: this kernel cannot swap them")
    go = home.tree(now.version) / "bin/go" if now else None
    if go is not None and not os.access(go, os.X_OK):
        warnings.append(f"{go} cannot be run: lab goroot remove and install it again")
    return Status(
        current=now.version if now else None,
        previous=before.version if before else None,
        go=go,
        place=place,
        how=None if place is None else ("overlay" if overlays else "link"),
        warnings=tuple(warnings),
    )


def _point(home: Home, generation: Generation, place: Path | None, how: How) -> None:
    """Let ``current`` name a generation, and the place lead through ``current``."""
    relink(home.chosen_link, Path(generation.name))
    through = home.chosen_link.relative_to(home.root)
    if not _leads(home.current, through):
        relink(home.current, through)
    if place is None:
        return
    if how == "link":
        if not _leads(place, home.current):
            relink(place, home.current)
        return
    names = sorted(path.name for path in home.tree(generation.version).iterdir())
    if not _is_view(place, home, names):
        mounting.swap(place, _view(home, names), _folder(home.root / "views" / "empty"))


def _leads(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.readlink() == target


def _view(home: Home, names: Sequence[str]) -> Path:
    """A folder of links through ``current``, for an overlay to show.

    Links, so that the go command's own path names the version and not the place it was called at.
    Versions that hold other names need another one: what an overlay shows must not change below it.
    """
    digest = hashlib.sha256("\n".join([str(home.root), *names]).encode()).hexdigest()[:12]
    view = home.root / "views" / digest
    if not _is_view(view, home, names):
        _folder(view)
        for name in names:
            if not (view / name).is_symlink():
                (view / name).symlink_to(home.current / name)
    return view


def _is_view(folder: Path, home: Home, names: Sequence[str]) -> bool:
    """Whether a folder is, or shows, one that `_view` made of these names."""
    if not folder.is_dir() or sorted(path.name for path in folder.iterdir()) != names:
        return False
    return not names or _leads(folder / names[-1], home.current / names[-1])


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _shows(place: Path, tree: Path) -> bool:
    return (place / "bin/go").resolve() == (tree / "bin/go").resolve()


def _forget(home: Home, known: Mapping[int, Generation], number: int) -> None:
    """Remove generations that no chain of rollbacks leads to any more."""
    kept: set[int] = set()
    step = number
    while step in known and len(kept) <= KEPT:
        kept.add(step)
        step = known[step].after
    for other, generation in known.items():
        if other not in kept:
            (home.generations_dir / generation.name).unlink(missing_ok=True)
