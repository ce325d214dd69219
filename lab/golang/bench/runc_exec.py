"""A command in a container of its own: namespaces and an overlay for a root, by runc, no image.

What it works on is at the same paths inside and outside, so a build differs in nothing but that.
The command is runc's child, and runc the lab's: what it used is counted with the lab's children.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.golang.bench import sandbox
from lab.golang.bench.sandbox import Sandbox
from lab.host.process import Argument, found

_FOLDERS = ("proc", "dev", "tmp", "etc", "sys")
_SPACES = ("pid", "mount", "ipc", "uts", "network")
_DEV: Mapping[str, object] = {
    "destination": "/dev",
    "type": "tmpfs",
    "source": "tmpfs",
    "options": ["nosuid", "mode=755"],
}
_PROC: Mapping[str, object] = {"destination": "/proc", "type": "proc", "source": "proc"}


def lacks() -> str | None:
    """Why this host can run no container of the lab's own; None where it can."""
    if why := sandbox.lacks("overlay"):
        return why
    return None if found("runc") else "there is no runc: lab doctor --install"


@dataclass(frozen=True, slots=True)
class Container:
    """What a container needs: its bundle, its root, and the folder of runc's own state."""

    bundle: Path
    root: Path
    state: Path

    def command(
        self,
        command: Sequence[Argument],
        environment: Mapping[str, str],
        folder: Path,
        shared: Sequence[Path],
    ) -> list[Argument]:
        """The command that runs another inside, with these folders at the paths they have here."""
        binds = [
            {"destination": str(one), "source": str(one), "options": ["rbind", "rw"]}
            for one in shared
        ]
        config = {
            "ociVersion": "1.0.2",
            "process": {
                "args": [str(word) for word in command],
                "cwd": str(folder),
                "env": [f"{name}={value}" for name, value in environment.items()]
                + ["PATH=/usr/bin:/bin", "HOME=/tmp"],
                "user": {"uid": 0, "gid": 0},
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.root)},
            "hostname": "lab",
            "mounts": [_PROC, _DEV, *binds],
            "linux": {"namespaces": [{"type": one} for one in _SPACES]},
        }
        (self.bundle / "config.json").write_text(json.dumps(config))
        return [
            "runc",
            "--root",
            self.state,
            "run",
            "--bundle",
            self.bundle,
            self.bundle.parent.name,
        ]


def container(box: Sandbox) -> Container:
    """A container in a sandbox, its root an overlay as engines make them, of empty folders."""
    bundle, lower = box.folder / "bundle", box.folder / "empty-root"
    bundle.mkdir()
    for name in _FOLDERS:
        (lower / name).mkdir(parents=True)
    root = box.overlay("container-root", lower)
    return Container(bundle, root, box.folder / "runc")
