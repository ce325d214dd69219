"""What a lab left on this machine below a place of its own, counted without asking the lab."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

DRAFT = re.compile(r"\..+\.[a-z0-9_]{8}")  # as mkstemp names what is not whole yet
HEADS = ("run.json", "validation.json")
GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that all paths of a lab and of its engines lie in."""

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def environment(self) -> dict[str, str]:
        """Of a lab that is to keep to it."""
        own = {"HOME": "home", "XDG_RUNTIME_DIR": "x", "TMPDIR": "tmp", "LAB_CACHE": "cache"}
        made = {name: str(self.folder / part) for name, part in own.items()}
        for path in made.values():
            Path(path).mkdir(exist_ok=True)
        return made

    def engines(self) -> set[str]:
        """The names of private engines that are here now."""
        return {path.name for path in (self.cache / "engines").glob("*")}


def left(place: Place, engines: Collection[str] = ()) -> list[str]:
    """Everything of a lab that has ended, one line each.

    ``engines``: names of private engines that were seen here, whose control groups are looked for.
    """
    return sorted(
        [
            *(f"process {one}" for one in _processes(place.folder)),
            *(f"mount {one}" for one in _mounts(place.folder)),
            *(f"loop {one}" for one in _loops(place.folder)),
            *(f"group {one}" for one in _groups(engines)),
            *(f"folder {one}" for one in _folders(place)),
            *(f"draft {one}" for one in _drafts(place)),
            *(f"no run {one}" for one in _no_runs(place)),
        ]
    )


def _processes(folder: Path) -> Iterator[str]:
    sign = os.fsencode(folder) + b"/"
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            inside = entry.joinpath("cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        if sign in said or inside:
            yield f"{entry.name} {(entry / 'comm').read_text().strip()}"


def _mounts(folder: Path) -> Iterator[str]:
    """Mount points, those of namespaces that are kept by a file too."""
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        if Path(point).is_relative_to(folder):
            yield f"{point} {after.split()[0]}"


def _loops(folder: Path) -> Iterator[str]:
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        if file.read_text().startswith(f"{folder}/"):
            yield file.parts[3]


def _groups(engines: Collection[str]) -> Iterator[str]:
    names = {f"lab-{engine}" for engine in engines}
    if not names:
        return
    for folder, inside, _ in os.walk(GROUPS):
        for name in names.intersection(inside):
            yield f"{folder}/{name}"


def _folders(place: Place) -> Iterator[str]:
    """Of engines, their sockets, unfinished entries of the cache, and temporary ones."""
    for inside in ("cache/engines", "cache/controls", "x/lab", "tmp"):
        yield from (f"{inside}/{path.name}" for path in (place.folder / inside).glob("*"))
    for path in place.cache.glob("*/tmp/*"):
        if not path.parents[1].is_symlink():  # then it is shared with other labs
            yield str(path.relative_to(place.folder))


def _drafts(place: Place) -> Iterator[str]:
    for path in place.results.rglob(".*"):
        if DRAFT.fullmatch(path.name):
            yield str(path.relative_to(place.folder))


def _no_runs(place: Place) -> Iterator[str]:
    for path in place.results.glob("*"):
        if path.is_dir() and not any((path / name).exists() for name in HEADS):
            yield path.name
