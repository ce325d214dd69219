"""Private engines: daemons that the lab starts for itself, and stops and clears away.

Each has a folder of its own for storage and settings, and a socket that only its user can open. A
lock on the folder's owner.json says that its lab is alive: the kernel lets go of it when the lab
ends, however it ends, and `sweep` clears folders that nobody holds.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.engines import confined, leftovers
from lab.engines.endpoint import ping
from lab.host import cgroups, facts, paths, process, signals, usage
from lab.host.process import Argument, found, tail
from lab.model.errors import DiskFull, EngineUnavailable

START_S = 30.0
OWNER = leftovers.OWNER
INSTALL = "lab doctor --install"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """A private engine that answers. ``close`` may be called more than once."""

    endpoint: str
    pid: int
    folder: Path
    _daemon: confined.Confined
    _lock: IO[str]
    _sockets: Path
    _group: cgroups.Group | None = None

    def usage(self) -> usage.Usage | None:
        """What the daemon and all its steps have used so far."""
        return usage.read(self._group, self.pid)

    @property
    def cache_mounts(self) -> Path:
        """Below it podman keeps the content of RUN --mount=type=cache."""
        return self.folder / "tmp"

    def close(self) -> None:
        """Stop the daemon and remove all that it kept."""
        if self._lock.closed:
            return
        self._daemon.kill()
        leftovers.clear(self.folder, self._sockets)
        self._lock.close()

    def keep(self, say: Say) -> None:
        """Stop the daemon and leave its storage, with the command that looks into it."""
        if self._lock.closed:
            return
        self._daemon.stop()
        leftovers.keep(self.folder, self._sockets)
        self._lock.close()
        look = (
            f"podman --root {self.folder / 'data'} images"
            if self.folder.name.startswith("podman")
            else f"dockerd --data-root {self.folder / 'data'}"
        )
        say(f"kept {self.folder}: `{look}` opens it; it is yours to remove")

    def __enter__(self) -> Private:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_docker(say: Say) -> Private:
    """A dockerd with its own containerd, storage and network namespace. Root only."""
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "no Docker answers, and only root can start a private one",
            remedy="run the lab as root, or set DOCKER_HOST to a daemon of yours",
        )
    program = _program("dockerd", "docker")
    folder, lock, sockets = _own("docker", say)
    _write(folder / "daemon.json", json.dumps({"builder": {"gc": {"enabled": False}}}))
    command: list[Argument] = [
        program,
        f"--config-file={folder / 'daemon.json'}",  # not the host's: its hosts and roots are others
        f"--data-root={folder / 'data'}",
        f"--exec-root={sockets / 'exec'}",  # sockets lie below it: a short path
        f"--pidfile={folder / 'docker.pid'}",
        f"--host=unix://{sockets / 'docker.sock'}",
        # systemd, which Docker asks for groups on v2 hosts, knows nothing of our process numbers.
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent=/{leftovers.group_name(folder)}",
        "--shutdown-timeout=3",
    ]
    if found("slirp4netns") is None:
        say("warning: no slirp4netns: the private Docker has no network; lab doctor --install")
    return _start(command, {}, _Place(folder, lock, sockets), network=sockets / "network", say=say)


def start_podman(say: Say) -> Private:
    """A podman service with its own storage. Its containers use the host's network as it is."""
    program = _program("podman", "podman")
    folder, lock, sockets = _own("podman", say)
    for name in ("tmp", "networks"):
        (folder / name).mkdir()
    _write(folder / "containers.conf", _containers_conf(folder))
    environment = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "TMPDIR": str(folder / "tmp"),  # RUN --mount=type=cache lies there: never the user's
    }
    if not Path("/etc/containers/policy.json").exists():
        policy = folder / "home/.config/containers/policy.json"
        policy.parent.mkdir(parents=True)
        _write(policy, json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        environment["HOME"] = str(folder / "home")
    command: list[Argument] = [
        program,
        f"--root={folder / 'data'}",
        f"--runroot={sockets / 'run'}",
        f"--tmpdir={sockets / 'tmp'}",
        "--cgroup-manager=cgroupfs",
        *_storage(folder, say),
        *_runtime(),
        "system",
        "service",
        "--time=0",
        f"unix://{sockets / 'podman.sock'}",
    ]
    return _start(command, environment, _Place(folder, lock, sockets), network=None, say=say)


def sweep(say: Say) -> int:
    """Clear what private engines of dead labs left behind; the number of engines cleared."""
    return leftovers.sweep(paths.state_dir(), paths.runtime_dir(), say)


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    lock: IO[str]
    sockets: Path


def _own(engine: str, say: Say) -> tuple[Path, IO[str], Path]:
    sweep(say)
    folder = Path(tempfile.mkdtemp(prefix=f"{engine}-", dir=paths.state_dir()))
    lock = (folder / OWNER).open("w+")
    fcntl.flock(lock, fcntl.LOCK_EX)
    sockets = paths.runtime_dir() / folder.name
    sockets.mkdir(mode=0o700)
    return folder, lock, sockets


def _start(
    command: Sequence[Argument],
    environment: Mapping[str, str],
    place: _Place,
    *,
    network: Path | None,
    say: Say,
) -> Private:
    engine = place.folder.name.partition("-")[0]
    socket = place.sockets / f"{engine}.sock"
    log = place.folder / "daemon.log"
    say(f"starting a private {engine} in {place.folder}")
    daemon = None
    group = cgroups.make(leftovers.group_name(place.folder)) if os.geteuid() == 0 else None
    try:
        daemon = confined.start(
            command,
            log=log,
            environment=environment,
            network=network,
            groups=() if group is None else group.entrances,
        )
        _sign(place.lock, daemon.pid)
        _wait(daemon, f"unix://{socket}", log)
    except BaseException:
        with signals.shielded():
            if daemon is not None:
                daemon.stop()
            leftovers.clear(place.folder, place.sockets)
            place.lock.close()
        raise
    return Private(
        endpoint=f"unix://{socket}",
        pid=daemon.pid,
        folder=place.folder,
        _daemon=daemon,
        _lock=place.lock,
        _sockets=place.sockets,
        _group=group,
    )


def _wait(daemon: confined.Confined, endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    pause = 0.01
    while not daemon.ended and time.monotonic() < deadline:
        if Path(endpoint.removeprefix("unix://")).exists() and ping(endpoint, timeout_s=2.0):
            return
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)
    what = "ended at once" if daemon.ended else f"did not answer within {START_S:g} s"
    said = tail(log.read_text(errors="replace")) or "it said nothing"
    if "no space left on device" in said.lower():
        raise DiskFull(f"no space left in {log.parent}", remedy="free some, or set LAB_CACHE")
    raise EngineUnavailable(f"the private engine {what}; it said:\n{said}", remedy="lab doctor")


def _sign(lock: IO[str], daemon: int) -> None:
    processes = {"lab": os.getpid(), "daemon": daemon}
    owner = {
        name: {"pid": pid, "started": process.process_start(pid)} for name, pid in processes.items()
    }
    lock.write(json.dumps(owner))
    lock.flush()


def _containers_conf(folder: Path) -> str:
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


def _runtime() -> list[Argument]:
    """crun where it works best; it refuses hybrid cgroups, where runc does not."""
    order = ("crun", "runc") if facts.cgroup(facts.CGROUPS) == "v2" else ("runc", "crun")
    known = [program for program in map(found, order) if program is not None]
    if not known:
        raise EngineUnavailable("podman has no runtime: neither crun nor runc", remedy=INSTALL)
    return [f"--runtime={known[0]}"]


def _storage(folder: Path, say: Say) -> list[Argument]:
    if facts.filesystem(folder) not in {"overlay", "overlayfs", "fuse-overlayfs"}:
        return ["--storage-driver=overlay"]
    helper = found("fuse-overlayfs") if Path("/dev/fuse").exists() else None
    if helper is not None:
        say(f"warning: {folder} lies on an overlay: podman uses fuse-overlayfs, which is slower")
        return ["--storage-driver=overlay", f"--storage-opt=overlay.mount_program={helper}"]
    say(f"warning: {folder} lies on an overlay: podman copies each layer (vfs); set LAB_CACHE")
    return ["--storage-driver=vfs"]


def _program(name: str, engine: str) -> Path:
    program = found(name)
    if program is None:
        raise EngineUnavailable(
            f"no {engine} answers, and none can be started: there is no {name}", remedy=INSTALL
        )
    return program


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
