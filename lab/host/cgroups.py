"""Control groups, of v1, of v2 and of hosts that have both: made, read, and given back.

A private engine's daemon and all its steps live in one group, so that what a build used is one
number of the kernel's. Formats: cgroup-v1 (cpuacct, memory, blkio) and cgroup-v2 of the kernel's
admin-guide. What a host does not tell is None.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.host import facts

V2 = ""  # the key of the v2 hierarchy among a group's folders
V1_CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "blkio")
V2_CONTROLLERS = ("cpu", "cpuset", "memory", "io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group: its folder in every hierarchy that could be had, by controller; ``V2`` is v2's.

    On a host of v2 alone the daemon sits in a leaf, ``daemon``, and steps in its sister ``steps``:
    there a group with controllers for its children may hold no process itself.
    """

    name: str
    version: str
    folders: Mapping[str, Path]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """The files that a process writes "0" into to enter."""
        if self.version == "v2":
            return (self.folders[V2] / "daemon" / "cgroup.procs",)
        return tuple(folder / "cgroup.procs" for folder in self.folders.values())

    @property
    def steps(self) -> str:
        """Where containers belong, as engines name a group: from the hierarchies' roots."""
        return f"/{self.name}/steps" if self.version == "v2" else f"/{self.name}"

    @property
    def cpu_s(self) -> float | None:
        """CPU seconds of every process that was ever in it, the ended ones included."""
        if "cpuacct" in self.folders:
            used = _number(self.folders["cpuacct"] / "cpuacct.usage")
            return None if used is None else used / 1e9
        used = _fields(self._v2("cpu.stat")).get("usage_usec")
        return None if used is None else used / 1e6

    @property
    def memory_bytes(self) -> int | None:
        """Memory that its processes hold now: anonymous and shared; the page cache left out."""
        if "memory" in self.folders:
            stat = _fields(self.folders["memory"] / "memory.stat")
            held = stat.get("total_rss")
            return None if held is None else held + stat.get("total_shmem", 0)
        stat = _fields(self._v2("memory.stat"))
        return stat["anon"] + stat.get("shmem", 0) if "anon" in stat else None

    @property
    def throttled_s(self) -> float | None:
        """How long a CPU quota has held it back."""
        if "cpu" in self.folders:
            held = _fields(self.folders["cpu"] / "cpu.stat").get("throttled_time")
            return None if held is None else held / 1e9
        held = _fields(self._v2("cpu.stat")).get("throttled_usec")
        return None if held is None else held / 1e6

    def _v2(self, file: str) -> Path:
        return self.folders.get(V2, Path("/nonexistent")) / file


def make(name: str, root: Path = facts.CGROUPS) -> Group | None:
    """Make a group in every hierarchy that lets us; None where none does."""
    version = facts.cgroup(root)
    if version == "v2":
        return _make_v2(name, root)
    if version is None:
        return None
    places = {one: root / one for one in V1_CONTROLLERS}
    if version == "hybrid":
        places[V2] = root / "unified"
    folders = {}
    for controller, place in places.items():
        with suppress(OSError):
            if (place / "cgroup.procs").exists():
                folder = place / name
                folder.mkdir(exist_ok=True)
                if controller == "cpuset":
                    _inherit(place, folder)
                folders[controller] = folder
    return Group(name=name, version="v1", folders=folders) if folders else None


def _make_v2(name: str, root: Path) -> Group | None:
    folder = root / name
    try:
        for place in (folder, folder / "daemon", folder / "steps"):
            place.mkdir(exist_ok=True)
            for controller in V2_CONTROLLERS:
                with suppress(OSError):  # one that is not lent to us leaves the others
                    known = (place.parent / "cgroup.controllers").read_text().split()
                    if controller in known:
                        (place.parent / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError:
        remove(name, root)
        return None
    return Group(name=name, version="v2", folders={V2: folder})


def _inherit(parent: Path, folder: Path) -> None:
    """A new cpuset of v1 is empty and takes no process until it has CPUs and memory nodes."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / file).read_text().strip():
            (folder / file).write_text((parent / file).read_text())


def remove(name: str, root: Path = facts.CGROUPS) -> bool:
    """Remove a group and those below it from every hierarchy; whether all are gone."""
    gone = True
    for folder in sorted(found(name, root), key=lambda one: len(one.parts), reverse=True):
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # a process in it is still on its way out
            gone = False
    return gone


def found(name: str, root: Path = facts.CGROUPS) -> Iterator[Path]:
    """The folders of a group and of those below it, in every hierarchy."""
    for top in (root / name, *root.glob(f"*/{name}")):
        if top.is_dir() and not top.is_symlink():
            yield top
            # Not a glob, which fails where a step's group goes away while it looks.
            yield from (Path(at, below) for at, names, _ in os.walk(top) for below in names)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _fields(file: Path) -> dict[str, int]:
    """``key number`` lines; what is not one is passed over."""
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
