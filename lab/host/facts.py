"""The facts of this machine, and the words for those that an engine tells of its own.

An engine on this very machine has this machine's facts (``is_here``), so that engines agree on
them. Of any other machine its engine tells some, in words of its own: they are put into the words
that are used here, and what is not known is None.
"""

from __future__ import annotations

import os
import platform
import re
import socket
from pathlib import Path
from typing import NamedTuple

from lab.model.record import HostFacts

CGROUPS = Path("/sys/fs/cgroup")
# File systems as engines name them where the kernel has another name; of "extfs" (2, 3 or 4) and
# "smb" (several) the kernel's name is not known.
_RENAMED = {"overlayfs": "overlay", "extfs": None, "smb": None, "<unknown>": None, "": None}


class Mount(NamedTuple):
    """One line of /proc/self/mountinfo: where, what kind of file system, and mounted from what."""

    point: Path
    kind: str
    source: str = ""


def facts(path: Path) -> HostFacts:
    """This machine as measurements need it; ``path`` is on the file system that matters."""
    return HostFacts(
        kernel=platform.release() or None,
        glibc=glibc(),
        cpu_model=cpu_model(_read(Path("/proc/cpuinfo"))),
        cpus=os.cpu_count(),
        memory_bytes=memory_bytes(_read(Path("/proc/meminfo"))),
        # To a builder a hybrid machine is one of v1: that is where the controllers are.
        cgroup="v1" if (version := cgroup(CGROUPS)) == "hybrid" else version,
        filesystem=filesystem(path),
    )


def is_here(endpoint: str, *, kernel: str | None, hostname: str | None, storage: str) -> bool:
    """Whether the engine that tells this of itself runs on this very machine.

    A socket alone may lead into a virtual machine, or out of a container: there the engine's
    storage is not in sight.
    """
    return (
        endpoint.startswith(("unix:", "http+unix:"))
        and kernel == platform.release()
        and hostname == socket.gethostname()
        and Path(storage).is_absolute()
        and _may_exist(Path(storage))
    )


def told_cgroup(version: object) -> str | None:
    """The version of control groups as an engine tells it: ``2`` (Docker) or ``v2`` (Podman)."""
    found = f"v{str(version).removeprefix('v')}"
    return found if found in {"v1", "v2"} else None


def told_filesystem(backing: str | None) -> str | None:
    """The file system below an engine's storage, as it tells it, by the kernel's name."""
    return None if backing is None else _RENAMED.get(backing, backing)


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


def memory_available() -> int | None:
    """Bytes of memory that programs can still have (proc_meminfo(5))."""
    match = re.search(r"^MemAvailable:\s*(\d+) kB", _read(Path("/proc/meminfo")), re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def cgroup(root: Path) -> str | None:
    """``v1``, ``v2`` or ``hybrid`` (v1 controllers beside a v2 tree); None where there are none."""
    if (root / "cgroup.controllers").exists():
        return "v2"
    if (root / "unified" / "cgroup.controllers").exists():
        return "hybrid"
    return "v1" if root.is_dir() and any(root.iterdir()) else None


def filesystem(path: Path) -> str | None:
    """The kind of file system that ``path`` is on, or will be on once it is made."""
    place = path.absolute()
    while not os.path.exists(place) and place != place.parent:  # noqa: PTH110 (hidden is no error)
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
            kind, source, *_ = [*after.split(" "), ""]
            found.append(Mount(Path(point), kind, source))
    return found


def _depth(numbered: tuple[int, Mount]) -> tuple[int, int]:
    number, mount = numbered
    return len(mount.point.parts), number


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        return isinstance(error, PermissionError)  # it is there, or hidden from this user
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
