"""The facts of this machine. Those of an engine's machine come from the engine (lab.engines)."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import NamedTuple

from lab.record import HostFacts

CGROUPS = Path("/sys/fs/cgroup")


class Mount(NamedTuple):
    """One line of /proc/self/mountinfo: where, and what kind of file system."""

    point: Path
    kind: str


def facts(path: Path) -> HostFacts:
    """This machine as measurements need it; ``path`` is on the file system that matters."""
    return HostFacts(
        kernel=platform.release() or None,
        glibc=glibc(),
        cpu_model=cpu_model(_read(Path("/proc/cpuinfo"))),
        cpus=os.cpu_count(),
        memory_bytes=memory_bytes(_read(Path("/proc/meminfo"))),
        cgroup=cgroup(CGROUPS),
        filesystem=filesystem(path),
    )


def glibc() -> str | None:
    """The C library's version; None where it is not glibc."""
    try:
        words = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return None
    return words[1] if len(words) == 2 and words[0] == "glibc" else None


def cpu_model(cpuinfo: str) -> str | None:
    """The processor's name out of /proc/cpuinfo's text; ARM kernels give none."""
    match = re.search(r"^model name\s*:\s*(.+?)\s*$", cpuinfo, re.MULTILINE)
    return match[1] if match else None


def memory_bytes(meminfo: str) -> int | None:
    """The memory's size out of /proc/meminfo's text, whose "kB" are of 1024 bytes (proc(5))."""
    match = re.search(r"^MemTotal:\s*(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def cgroup(root: Path) -> str | None:
    """``v1``, ``v2`` or ``hybrid`` (v1 controllers beside a v2 tree); None where there are none."""
    if (root / "cgroup.controllers").exists():
        return "v2"
    if (root / "unified" / "cgroup.controllers").exists():
        return "hybrid"
    return "v1" if root.is_dir() and any(root.iterdir()) else None


def filesystem(path: Path) -> str | None:
    """The kind of file system that ``path`` lies on, or will lie on once it is made."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    place = place.resolve()
    holding = [mount for mount in mounts() if place.is_relative_to(mount.point)]
    # Later lines cover earlier ones at the same point.
    return max(enumerate(holding), key=_depth)[1].kind if holding else None


def mounts(mountinfo: str | None = None) -> list[Mount]:
    """What is mounted, in the order of mounting (proc_pid_mountinfo(5))."""
    text = _read(Path("/proc/self/mountinfo")) if mountinfo is None else mountinfo
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        words = before.split(" ")
        if separator and len(words) > 4 and after:
            point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4])
            found.append(Mount(Path(point), after.split(" ")[0]))
    return found


def _depth(numbered: tuple[int, Mount]) -> tuple[int, int]:
    number, mount = numbered
    return len(mount.point.parts), number


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
