"""What a private podman is told: its limits, its runtime, its storage."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

from lab.engines.roots import Programs
from lab.host import facts
from lab.host.process import Argument
from lab.model.errors import EngineUnavailable

Say = Callable[[str], None]
_OVERLAYS = frozenset({"overlay", "overlayfs", "fuse-overlayfs"})


def containers_conf(folder: Path) -> str:
    # Only finite limits: podman's own defaults can be above them, and raising one needs
    # CAP_SYS_RESOURCE, which root in a container may lack.
    limits = [
        f'"{name}={soft}:{hard}"'
        for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
        for soft, hard in [resource.getrlimit(kind)]
        if hard != resource.RLIM_INFINITY
    ]
    return "\n".join(
        [
            "[containers]",
            'netns = "host"',  # a bridge would be the host's
            f"default_ulimits = [{', '.join(limits)}]",
            "[engine]",
            'events_logger = "file"',
            "[network]",
            f"network_config_dir = {json.dumps(str(folder / 'networks'))}",
            "",
        ]
    )


def runtime(programs: Programs) -> list[Argument]:
    """crun where it works best; it refuses hybrid cgroups, where runc does not."""
    order = ("crun", "runc") if facts.cgroup(facts.CGROUPS) == "v2" else ("runc", "crun")
    known = [program for program in map(programs.find, order) if program is not None]
    if not known:
        raise EngineUnavailable(
            "podman has no runtime: neither crun nor runc", remedy="lab doctor --install"
        )
    return [f"--runtime={known[0]}"]


def storage(folder: Path, programs: Programs, say: Say) -> list[Argument]:
    if facts.filesystem(folder) not in _OVERLAYS:
        return ["--storage-driver=overlay"]
    helper = programs.find("fuse-overlayfs") if Path("/dev/fuse").exists() else None
    if helper is not None:
        say(f"warning: {folder} lies on an overlay: podman uses fuse-overlayfs, which is slower")
        return ["--storage-driver=overlay", f"--storage-opt=overlay.mount_program={helper}"]
    say(f"warning: {folder} lies on an overlay: podman copies each layer (vfs); set LAB_CACHE")
    return ["--storage-driver=vfs"]
