"""The machine at one moment, as its kernel tells it: proc(5), and the kernel's own documents.

Every figure is None where this kernel does not give it. PSI: accounting/psi.rst.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.host import cgroups, facts

RESOURCES = ("cpu", "io", "memory")
# A container's group, as Docker, Podman, CRI-O and containerd name theirs; a step's, as BuildKit
# and buildah do.
_CONTAINER = re.compile(
    r"(?:docker-|libpod-|crio-|cri-containerd-)?[0-9a-f]{64}(?:\.scope)?"
    r"|[0-9a-z]{25}|buildah-buildah\d+"
)
# Devices inside the machine: what passes through them did not come over the network.
_INNER = re.compile(r"lo|ifb\d+|(?:veth|br-|docker|cni|podman|virbr|dummy).*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Counters since boot, in seconds and bytes, and the state of the page cache.

    ``stalled`` and ``own_stalled`` hold the pressure totals ("some") of the machine and of the
    engine's group, by resource. ``lab_s`` is the CPU time of the lab itself.
    """

    monotonic_s: float
    realtime_s: float
    boottime_s: float
    lab_s: float
    cpus: int
    busy_s: float | None = None
    steal_s: float | None = None
    stalled: Mapping[str, float]
    own_stalled: Mapping[str, float]
    cached_bytes: int | None = None
    read_bytes: int | None = None
    refaults: int | None = None
    received_bytes: int | None = None
    containers: int | None = None


def read(group: cgroups.Group | None, proc: Path = Path("/proc")) -> Reading:
    """Look at the machine; ``group`` is the engine's own."""
    stat, vmstat = _text(proc / "stat"), _fields(_text(proc / "vmstat"))
    busy, steal = cpu_times(stat)
    meminfo = _fields(_text(proc / "meminfo").replace(":", ""))
    own = None if group is None else group.folders.get(cgroups.V2)
    times = os.times()
    pages_in = vmstat.get("pgpgin")
    refaulted = [vmstat[key] for key in ("workingset_refault_file",) if key in vmstat]
    cached = meminfo.get("Cached")
    return Reading(
        monotonic_s=time.monotonic(),
        realtime_s=time.time(),
        boottime_s=time.clock_gettime(time.CLOCK_BOOTTIME),
        lab_s=times.user + times.system + times.children_user + times.children_system,
        cpus=len(re.findall(r"^cpu\d+ ", stat, re.MULTILINE)) or os.cpu_count() or 1,
        busy_s=busy,
        steal_s=steal,
        stalled=_stalled(proc / "pressure", ""),
        own_stalled={} if own is None else _stalled(own, ".pressure"),
        cached_bytes=None if cached is None else cached * 1024,
        read_bytes=None if pages_in is None else pages_in * 1024,  # in kibibytes, whatever its name
        refaults=refaulted[0] if refaulted else None,
        received_bytes=received(_text(_network(group, proc))),
        containers=_containers(group),
    )


def cpu_times(stat: str) -> tuple[float | None, float | None]:
    """Busy and stolen CPU seconds out of /proc/stat's first line; guests count as user already."""
    match = re.match(r"cpu +((?:\d+ ?)+)", stat)
    if match is None:
        return None, None
    ticks = [int(word) for word in match[1].split()]
    if len(ticks) < 8:
        return None, None
    user, nice, system, _idle, _wait, irq, soft, steal = ticks[:8]
    second = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft) / second, steal / second


def pressure(text: str) -> float | None:
    """Seconds for which some task was held up, out of a pressure file."""
    match = re.search(r"^some .*\btotal=(\d+)", text, re.MULTILINE)
    return int(match[1]) / 1e6 if match else None


def received(text: str) -> int | None:
    """Bytes that came in over the network, out of a table like /proc/net/dev."""
    lines = re.findall(r"^\s*([^\s:]+):\s*(\d+)", text, re.MULTILINE)
    return sum(int(n) for name, n in lines if not _INNER.fullmatch(name)) if lines else None


def _network(group: cgroups.Group | None, proc: Path) -> Path:
    """The table of the network that builds use: the engine's own where it has one."""
    host_table = proc / "net/dev"
    if group is None:
        return host_table
    try:
        ours = os.readlink(proc / "self/ns/net")  # noqa: PTH115 (a link to no path)
        for pid in group.entrances[0].read_text().split():
            if os.readlink(proc / pid / "ns/net") != ours:  # noqa: PTH115 (another such)
                return proc / pid / "net/dev"
    except OSError:
        pass
    return host_table


def _stalled(folder: Path, ending: str) -> dict[str, float]:
    found = {name: pressure(_text(folder / f"{name}{ending}")) for name in RESOURCES}
    return {name: total for name, total in found.items() if total is not None}


def _containers(group: cgroups.Group | None, root: Path = facts.CGROUPS) -> int | None:
    """Containers that run beside the engine's own."""
    version = facts.cgroup(root)
    if version is None:
        return None
    top = root if version == "v2" else root / "cpuacct"
    own = None if group is None else group.name
    return sum(_occupied(folder) for folder in _container_groups(top, own))


def _container_groups(top: Path, own: str | None) -> Iterator[Path]:
    for folder, inner, _ in os.walk(top):
        inner[:] = [name for name in inner if name != own]
        matching = [name for name in inner if _CONTAINER.fullmatch(name)]
        inner[:] = [name for name in inner if name not in matching]  # one container, one count
        yield from (Path(folder) / name for name in matching)


def _occupied(folder: Path) -> bool:
    return any(_text(place / "cgroup.procs").strip() for place in (folder, *folder.glob("*/")))


def _fields(text: str) -> dict[str, int]:
    return {
        words[0]: int(words[1])
        for line in text.splitlines()
        if len(words := line.split()) > 1 and words[1].isdigit()
    }


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
