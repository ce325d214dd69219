"""What this host has and lacks for the lab's work, read and never changed."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lab.engines import endpoint
from lab.host import facts as host
from lab.host import paths
from lab.host.controls import active as controls
from lab.host.process import found, run
from lab.model import units
from lab.model.errors import LabError

State = Literal["ok", "missing", "broken", "absent"]
NEEDED_BYTES = 5_000_000_000
APT_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing checked. ``packages`` are Debian's names of what fixes it, ``fix`` the command.

    A finding that is not ok and has no packages cannot be fixed by `lab doctor --install`.
    """

    name: str
    state: State
    found: str
    why: str
    fix: str | None = None
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tool:
    """A program, any one of ``programs``, and the Debian packages that bring it."""

    name: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    why: str
    version: bool = False


_TOOLS = (
    _Tool(
        "docker",
        ("dockerd",),
        ("docker.io",),
        "private engines docker and docker-classic",
        version=True,
    ),
    _Tool("podman", ("podman",), ("podman",), "private engine podman", version=True),
    _Tool("runtime", ("crun", "runc"), ("runc",), "engines start containers with it", version=True),
    _Tool("iptables", ("iptables",), ("iptables",), "dockerd does not start without it"),
    _Tool("ip", ("ip",), ("iproute2",), "a private Docker has a network namespace of its own"),
    _Tool(
        "slirp4netns",
        ("slirp4netns",),
        ("slirp4netns",),
        "gives that namespace a way out, so that builds and pulls reach the network",
    ),
    _Tool(
        "registry",
        ("docker-registry",),
        ("docker-registry",),
        "keeps the remote caches of a scenario's `caches`, private and on loopback",
        version=True,
    ),
    _Tool(
        "mmdebstrap",
        ("mmdebstrap",),
        ("mmdebstrap", "debian-archive-keyring"),
        "bootstraps Debian bases where no registry is in reach",
        version=True,
    ),
    _Tool(
        "stress-ng",
        ("stress-ng",),
        ("stress-ng",),
        "`controls: memory_pressure` of a scenario holds memory with it",
    ),
    _Tool(
        "qemu",
        ("qemu-system-x86_64",),
        ("qemu-system-x86",),
        "boots kernels in micro virtual machines (x86-64)",
        version=True,
    ),
    _Tool("squashfs", ("mksquashfs",), ("squashfs-tools",), "packs an image as a guest's root"),
    _Tool(
        "gcc",
        ("gcc",),
        ("gcc", "libc6-dev"),
        "compiles the probe programs for system calls and glibc, once",
    ),
    _Tool("strace", ("strace",), ("strace",), "`lab trace` counts a go command's calls with it"),
    _Tool("rsync", ("rsync",), ("rsync",), "`lab goroot stage` copies and renews with it"),
    _Tool(
        "systemd",
        ("systemd-analyze",),
        ("systemd",),
        "its tools check what `lab goroot units` writes; it need not run",
    ),
    _Tool(
        "wget",
        ("curl", "wget"),
        ("wget",),
        "`lab goroot distribute --rehearse` pulls with it, as pods do",
    ),
    _Tool("netavark", ("netavark",), ("netavark",), "podman's container networks"),
    _Tool("namespaces", ("unshare",), ("util-linux",), "a private engine is confined with it"),
)
_ROOTLESS = _Tool("uidmap", ("newuidmap",), ("uidmap",), "rootless podman maps users")
_TEST_TOOLS = (
    _Tool("chromium", ("chromium",), ("chromium",), "`make test` reads reports in it"),
    _Tool(
        "readelf", ("readelf",), ("binutils",), "`make test` holds what the lab reads against it"
    ),
    _Tool("perf", ("perf",), ("linux-perf",), "`make test` traces with it, beside strace"),
    _Tool("hyperfine", ("hyperfine",), ("hyperfine",), "`make test` holds `lab export` against it"),
    _Tool("promtool", ("promtool",), ("prometheus",), "`make test` checks rules with it"),
    _Tool(
        "alertmanager",
        ("prometheus-alertmanager",),
        ("prometheus-alertmanager",),
        "`make test` sends an alert through it",
    ),
    _Tool("fuse", ("fusermount3",), ("fuse3",), "`make test` mounts file systems that wait"),
)
# Where one is missing, experiments leave its file system out and say so.
_BENCH_TOOLS = tuple(
    _Tool(name, (program,), (package,), f"`lab bench` and `lab verify` {what}")
    for name, program, package, what in (
        ("ext4", "mkfs.ext4", "e2fsprogs", "put GOROOT on ext4"),
        ("xfs", "mkfs.xfs", "xfsprogs", "put GOROOT on XFS"),
        ("btrfs", "mkfs.btrfs", "btrfs-progs", "put GOROOT on Btrfs"),
        ("erofs", "mkfs.erofs", "erofs-utils", "put GOROOT into an EROFS image"),
        ("fio", "fio", "fio", "set fio's own figures beside theirs"),
    )
)


def survey(*, tests: bool = False) -> tuple[Finding, ...]:
    """Check the host, for the lab or for its own ``tests`` too. Changes nothing; takes well below a
    second.
    """
    wanted = (*_tools(), *_TEST_TOOLS) if tests else _tools()
    tools = tuple(_tool(tool) for tool in wanted)
    return (*_machine(), _space(), *_daemons(), *tools, *_controls())


def _controls() -> tuple[Finding, ...]:
    """What `controls:` of a scenario can ask of this host; what it lacks is in reports too."""
    return tuple(
        Finding(
            name=control.name,
            state="ok" if control.reason is None else "absent",
            found="available" if control.reason is None else f"unavailable: {control.reason}",
            why=_CONTROLS[control.name],
        )
        for control in controls.survey()
    )


_CONTROLS = {
    "frequency": "`controls: frequency` fixes the CPUs' governor",
    "turbo": "`controls: turbo` switches the CPUs' turbo on or off",
    "cpus": "`controls: cpus` keeps the engine to some CPUs",
    "memory": "`controls: memory` limits the engine's memory",
    "disk-read": "`controls: disk` limits how fast the engine reads",
    "cpus-exclusive": "`controls: cpus` keeps other programs off those CPUs too",
    "disk-write": "`controls: disk` limits how fast the engine writes",
    "memory-pressure": "`controls: memory_pressure` holds memory while a scenario runs",
    "page-cache": "`controls: page_cache` drops or warms it before builds",
}


def _machine() -> tuple[Finding, ...]:
    facts = host.facts(paths.cache_dir())
    user = "root" if os.geteuid() == 0 else f"user {os.getuid()}"
    groups = host.cgroup(host.CGROUPS)  # more exactly than engines tell it: hybrid is a state too
    overlay = facts.filesystem in {"overlay", "overlayfs"}
    return (
        Finding(
            name="user",
            state="ok",
            found=user,
            why="only root can start a private Docker and install packages",
        ),
        Finding(
            name="kernel",
            state="ok",
            found=facts.kernel or "unknown",
            why="engines run on it, and its scheduler and file systems are measured with them",
        ),
        Finding(
            name="glibc",
            state="ok",
            found=facts.glibc or "none",
            why="the host's own; what a base holds is read from the base",
        ),
        Finding(
            name="cgroup",
            state="ok" if groups else "broken",
            found=groups or "none mounted",
            why="engines put containers into control groups; crun refuses hybrid ones, runc not",
            fix="mount -t cgroup2 none /sys/fs/cgroup",
        ),
        Finding(
            name="storage",
            state="broken" if overlay else "ok",
            found=f"{facts.filesystem or 'unknown'} at {paths.cache_dir()}",
            why="overlay2 cannot be on an overlay filesystem: engines copy whole layers then",
            fix="export LAB_CACHE=/a/folder/on/a/disk",
        ),
    )


def _space() -> Finding:
    free = shutil.disk_usage(paths.cache_dir()).free
    return Finding(
        name="disk",
        state="ok" if free >= NEEDED_BYTES else "broken",
        found=f"{units.size(free)} free at {paths.cache_dir()}",
        why=f"bases, toolchains and private engines' layers need {units.size(NEEDED_BYTES)}",
        fix="export LAB_CACHE=/a/folder/on/a/larger/disk",
    )


def _daemons() -> tuple[Finding, ...]:
    return tuple(_daemon(name) for name in ("docker", "podman"))


def _daemon(engine: str) -> Finding:
    why = f"`--engine {engine}` uses it; else the lab starts a private one and clears it away"
    name = f"{engine} API"
    try:
        answer = endpoint.resolve(engine)
    except LabError as error:
        return Finding(name=name, state="broken", found=error.message, why=why, fix=error.remedy)
    if answer is None:
        return Finding(name=name, state="ok", found="none answers", why=why)
    if answer.url.startswith("ssh"):
        return Finding(name=name, state="ok", found=f"{answer.url} (not tried)", why=why)
    version = endpoint.ask(answer.url, "/version", answer.tls).get("Version", "version unknown")
    driver = endpoint.ask(answer.url, "/info", answer.tls).get("Driver", "unknown")
    text = f"{version} at {answer.url}, storage {driver}"
    return Finding(name=name, state="ok", found=text, why=why)


def _tools() -> tuple[_Tool, ...]:
    """The table, for this host: crun refuses hybrid control groups, root maps no users."""
    tools: tuple[_Tool, ...] = _TOOLS
    if host.cgroup(host.CGROUPS) == "hybrid":
        tools = tuple(
            replace(tool, programs=("runc",)) if tool.name == "runtime" else tool for tool in tools
        )
    rootless = () if os.geteuid() == 0 else (_ROOTLESS,)
    return (*tools, *_BENCH_TOOLS, *rootless)


def _tool(tool: _Tool) -> Finding:
    # netavark is no command for users: distributions keep it off PATH.
    beside = [Path(f"/usr/lib/podman/{name}") for name in tool.programs]
    beside += [Path(f"/usr/libexec/podman/{name}") for name in tool.programs]
    places = [*map(found, tool.programs), *(path for path in beside if path.exists())]
    place = next((path for path in places if path is not None), None)
    if place is None:
        what = " or ".join(tool.programs)
        fix = shlex.join([*APT_INSTALL, *tool.packages])
        return Finding(
            name=tool.name,
            state="missing",
            found=f"no {what}",
            why=tool.why,
            fix=fix,
            packages=tool.packages,
        )
    if not tool.version:
        return Finding(name=tool.name, state="ok", found=str(place), why=tool.why)
    return _versioned(tool, place)


def _versioned(tool: _Tool, place: Path) -> Finding:
    try:
        said = run([place, "--version"], timeout_s=10)
    except LabError as error:
        fix = shlex.join([*APT_INSTALL[:2], "--reinstall", *tool.packages])
        return Finding(name=tool.name, state="broken", found=error.message, why=tool.why, fix=fix)
    lines = said.out.strip().splitlines() or ["version unknown"]
    return Finding(name=tool.name, state="ok", found=lines[0], why=tool.why)
