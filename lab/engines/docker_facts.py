"""What a Docker daemon says of itself and of its machine, by its answers to /version and /info."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.host import facts as host
from lab.model.record import EngineFacts, HostFacts


def engine_facts(
    about: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    name: str,
    api: str,
    endpoint: str,
    private: bool,
    builder: str,
) -> EngineFacts:
    """Versions, storage and the facts of the machine that the daemon runs on."""
    driver = str(info.get("Driver", "unknown"))
    storage = str(info.get("DockerRootDir") or "")
    local = host.is_here(
        endpoint, kernel=info.get("KernelVersion"), hostname=info.get("Name"), storage=storage
    )
    return EngineFacts(
        name=name,
        version=str(about.get("Version", "unknown")),
        api=api,
        endpoint=endpoint,
        private=private,
        storage=f"{driver} (containerd)" if containerd(info) else driver,
        builder=builder,
        host=host.facts(Path(storage)) if local else _host_facts(info),
        local=local,
    )


def containerd(info: Mapping[str, Any]) -> bool:
    """Whether containerd keeps the daemon's images."""
    status = info.get("DriverStatus") or ()
    return any("io.containerd.snapshotter" in str(line) for line in status)


def _host_facts(info: Mapping[str, Any]) -> HostFacts:
    """What a daemon on another machine says of that."""
    status = dict(line for line in info.get("DriverStatus") or () if len(line) == 2)
    return HostFacts(
        kernel=info.get("KernelVersion") or None,
        cpus=info.get("NCPU") or None,
        memory_bytes=info.get("MemTotal") or None,
        cgroup=host.told_cgroup(info.get("CgroupVersion")),
        filesystem=host.told_filesystem(status.get("Backing Filesystem")),
    )
