"""Controls that are values in files of the kernel's: frequency, turbo, CPUs, disk and memory.

Formats: admin-guide/pm/cpufreq, cgroup-v1 (cpusets, memory, blkio-controller) and cgroup-v2.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.host import facts
from lab.host.cgroups import V2, Group
from lab.host.controls.journal import Journal
from lab.host.controls.types import Controls
from lab.host.controls.undo import line_of

KEEPS = "the engine keeps to them; other programs may still use them"
EXCLUSIVE = "cpus-exclusive"  # goes with cpus: nobody else is on them
NOT_OURS = "the engine is not private to the lab: --private"
CPUFREQ = "sys/devices/system/cpu/cpufreq"
TURBO = {  # file -> what it holds for on and off
    "sys/devices/system/cpu/intel_pstate/no_turbo": {"on": "0", "off": "1"},
    f"{CPUFREQ}/boost": {"on": "1", "off": "0"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Write ``write`` to ``path``; then its line with ``key`` must read as ``expected`` says."""

    name: str
    asked: str
    path: Path
    write: str
    expected: str
    key: str = ""
    unset: str | None = None  # what undoes it where there was no line before
    engine: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A control that this host does not offer, and why."""

    name: str
    asked: str
    reason: str
    engine: str | None = None


def wanted(
    asked: Controls,
    engines: Mapping[str, Group | None],
    storage: Mapping[str, Path | None],
    root: Path,
) -> Iterator[Change | Unavailable]:
    """The changes that bring about what is asked."""
    if asked.frequency is not None:
        yield from _frequency(asked.frequency, root)
    if asked.turbo is not None:
        yield _turbo(asked.turbo, root)
    limits = {"cpus": asked.cpus, "memory": asked.memory}
    limits |= {"disk-read": asked.disk_read, "disk-write": asked.disk_write}
    for engine, group in engines.items():
        for name, limit in limits.items():
            if limit is None:
                continue
            if group is None:
                yield Unavailable(name=name, asked=str(limit), reason=NOT_OURS, engine=engine)
            elif name.startswith("disk"):
                yield _disk(name, int(limit), group, engine, storage.get(engine), root)
            else:
                yield _limit(name, str(limit), group, engine)
                if name == "cpus":
                    alone = sum(one is not None for one in engines.values()) == 1
                    yield _exclusive(str(limit), group, engine, alone=alone)


def apply(change: Change, journal: Journal) -> tuple[str | None, str | None, str | None]:
    """Make a change: why it did not take hold (None: it did), what was before, what is now."""
    try:
        before = change.path.read_text()
    except OSError as error:
        return f"{change.path} cannot be read: {error.strerror}", None, None
    was = line_of(before, change.key)
    undo = was if was or change.unset is None else change.unset
    journal.value(change.path, undo or "\n", change.expected, change.key)
    try:
        change.path.write_text(change.write)
        held = line_of(change.path.read_text(), change.key)
    except OSError as error:
        return f"the kernel refuses {change.write!r}: {error.strerror}", was, was
    if held != change.expected:
        change.path.write_text(undo or "\n")
        return f"it did not take hold: {change.path} says {held!r}", was, held
    return None, was, held


def offered(root: Path) -> Iterator[tuple[str, str | None]]:
    """Each control of this kind, and why this host does not offer it."""
    for name, found in (
        ("frequency", next(_frequency("performance", root))),
        ("turbo", _turbo("off", root)),
    ):
        yield name, found.reason if isinstance(found, Unavailable) else None
    version = facts.cgroup(root / "sys/fs/cgroup")
    places = {
        "cpus": ("cpuset", "cpuset"),
        "memory": ("memory", "memory"),
        "disk-read": ("blkio", "io"),
        "disk-write": ("blkio", "io"),
    }
    groups = root / "sys/fs/cgroup"
    for name, (v1, v2) in places.items():
        yield name, _lacking(groups, version, v1, v2)
    lacks = _lacking(groups, version, "cpuset", "cpuset")
    yield EXCLUSIVE, lacks if version == "v2" else lacks or f"cgroup v1 cannot: {KEEPS}"


def _lacking(groups: Path, version: str | None, v1: str, v2: str) -> str | None:
    if os.geteuid() != 0:
        return "only root may set limits of control groups"
    if version is None:
        return "no control groups are mounted"
    if version == "v2":
        known = (groups / "cgroup.controllers").read_text().split()
        return None if v2 in known else f"the v2 hierarchy has no controller {v2}"
    return None if (groups / v1).is_dir() else f"no controller {v1} is mounted"


def cpu_numbers(text: str) -> set[int]:
    """The CPUs of a list such as ``0-1,3``."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _frequency(governor: str, root: Path) -> Iterator[Change | Unavailable]:
    about = {"name": "frequency", "asked": governor}
    policies = sorted((root / CPUFREQ).glob("policy*/scaling_governor"))
    if not policies:
        yield Unavailable(**about, reason="the kernel offers no cpufreq policies here")
    for policy in policies:
        try:
            known = (policy.parent / "scaling_available_governors").read_text().split()
        except OSError:
            known = [governor]
        if governor in known:
            yield Change(**about, path=policy, write=governor, expected=governor)
        else:
            reason = f"{policy.parent.name} knows {', '.join(known) or 'no governors'}"
            yield Unavailable(**about, reason=reason)


def _turbo(state: str, root: Path) -> Change | Unavailable:
    for place, words in TURBO.items():
        if (root / place).exists():
            word = words[state]
            return Change(name="turbo", asked=state, path=root / place, write=word, expected=word)
    reason = "neither intel_pstate/no_turbo nor cpufreq/boost is there"
    return Unavailable(name="turbo", asked=state, reason=reason)


def _limit(name: str, limit: str, group: Group, engine: str) -> Change | Unavailable:
    controller, v1_file, v2_file = {
        "cpus": ("cpuset", "cpuset.cpus", "cpuset.cpus"),
        "memory": ("memory", "memory.limit_in_bytes", "memory.max"),
    }[name]
    path = _file(group, controller, v1_file, v2_file)
    if path is None:
        reason = f"no control group with {controller} could be made"
        return Unavailable(name=name, asked=limit, reason=reason, engine=engine)
    page = os.sysconf("SC_PAGE_SIZE")
    write = str(int(limit) // page * page) if name == "memory" else limit
    expected = _ranges(cpu_numbers(limit)) if name == "cpus" else write
    return Change(
        name=name,
        asked=limit,
        path=path,
        write=write,
        expected=expected,
        engine=engine,
        remark="the engine keeps to them" if name == "cpus" else None,
    )


def _exclusive(cpus: str, group: Group, engine: str, *, alone: bool) -> Change | Unavailable:
    """Keep other programs off the engine's CPUs: a partition takes them from every other group.

    So it must not be asked for where another engine builds on them in its turn.
    """
    about = {"name": EXCLUSIVE, "asked": cpus, "engine": engine}
    path = group.folders.get(V2, Path("/none")) / "cpuset.cpus.partition"
    if path.exists() and alone:
        return Change(**about, path=path, write="root", expected="root", unset="member")
    reason = (
        "cpusets of v1 keep no program off that is outside of them, and the lab moves no process "
        "that it did not start"
        if group.version == "v1"
        else "several engines take these CPUs in turn"
        if path.exists()
        else "this kernel has no partitions of CPUs (cpuset.cpus.partition)"
    )
    return Unavailable(**about, reason=f"{reason}: {KEEPS}")


def _disk(
    name: str, limit: int, group: Group, engine: str, storage: Path | None, root: Path
) -> Change | Unavailable:
    path = _file(group, "blkio", f"blkio.throttle.{name[5:]}_bps_device", "io.max")
    device = None if storage is None else block_device(storage, root)
    if path is None or device is None:
        reason = (
            "no control group that limits disks could be made"
            if path is None
            else f"{storage} is on no block device"
        )
        return Unavailable(name=name, asked=str(limit), reason=reason, engine=engine)
    if path.name == "io.max":
        return _io_max(name, limit, path, device, engine)
    return Change(
        name=name,
        asked=str(limit),
        path=path,
        write=f"{device} {limit}",
        expected=f"{device} {limit}",
        key=device,
        unset=f"{device} 0",
        engine=engine,
        remark="v1 limits direct and synchronous writes, not those that the page cache gathers"
        if name == "disk-write"
        else None,
    )


def _io_max(name: str, limit: int, path: Path, device: str, engine: str) -> Change:
    """v2 has one line a device for all four limits: the others of it stay as they are."""
    kind = "rbps" if name == "disk-read" else "wbps"
    try:
        now = line_of(path.read_text(), device)
    except OSError:
        now = ""
    limits = {"rbps": "max", "wbps": "max", "riops": "max", "wiops": "max"}
    limits |= dict(word.split("=", 1) for word in now.split()[1:])
    limits[kind] = str(limit)
    return Change(
        name=name,
        asked=str(limit),
        path=path,
        write=f"{device} {kind}={limit}",
        expected=" ".join([device, *(f"{key}={value}" for key, value in limits.items())]),
        key=device,
        unset=f"{device} rbps=max wbps=max riops=max wiops=max",
        engine=engine,
    )


def block_device(path: Path, root: Path = Path("/")) -> str | None:
    """``major:minor`` of the whole disk below a path; None for tmpfs, overlay and network."""
    number = path.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    entry = root / "sys/dev/block" / name
    if not entry.exists():
        return None
    if (entry / "partition").exists():
        return (entry.resolve().parent / "dev").read_text().strip()
    return name


def _file(group: Group, controller: str, v1_file: str, v2_file: str) -> Path | None:
    places = []
    if controller in group.folders:
        places.append(group.folders[controller] / v1_file)
    if V2 in group.folders:
        places.append(group.folders[V2] / v2_file)
    return next((place for place in places if place.exists()), None)


def _ranges(cpus: set[int]) -> str:
    """CPUs as the kernel writes them: ``0-2,5``."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
