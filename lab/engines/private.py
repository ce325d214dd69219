"""Private engines: daemons that the lab starts for itself, and stops and clears away.

Each has a folder of its own for storage and settings, and a socket that only its user can open. A
lock on the folder's owner.json says that its lab is alive: the kernel lets go of it when the lab
ends, however it ends, and `sweep` clears folders that nobody holds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.engines import confined, leftovers, podman_settings, telemetry
from lab.engines.endpoint import ping
from lab.engines.roots import HOST, PATH, Programs
from lab.host import cgroups, paths, process, signals, usage
from lab.host.process import Argument, found, tail
from lab.model.errors import DiskFull, EngineUnavailable

START_S = 30.0
OWNER = leftovers.OWNER
INSTALL = "lab doctor --install"

Say = Callable[[str], None]


def _answers(endpoint: str) -> bool:
    return ping(endpoint, timeout_s=2.0) is not None


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
    _about: str = HOST.about
    _network: Path | None = None

    def usage(self) -> usage.Usage | None:
        """What the daemon and all its steps have used so far."""
        return usage.read(self._group, self.pid)

    @property
    def network(self) -> Path | None:
        """The file of the network namespace that it works in; None: the host's own."""
        return None if self._network is None else Path(f"/proc/{self.pid}/root{self._network}")

    @property
    def cache_mounts(self) -> Path:
        """Below it podman keeps the content of RUN --mount=type=cache."""
        return self.folder / "tmp"

    def close(self) -> None:
        """Stop the daemon and remove all that it kept."""
        if self._lock.closed:
            return
        if self._network is not None:
            telemetry.leave(os.environ)
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
        whose = "" if self._about == HOST.about else f" with programs of {self._about}"
        say(f"kept {self.folder}: `{look}`{whose} opens it; it is yours to remove")

    def __enter__(self) -> Private:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_docker(say: Say, programs: Programs = HOST, store: str = "") -> Private:
    """A dockerd with its own containerd, storage and network namespace. Root only.

    ``store``: "graph" or "containerd"; empty leaves the choice to the daemon.
    """
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "no Docker answers, and only root can start a private one",
            remedy="run the lab as root, or set DOCKER_HOST to a daemon of yours",
        )
    program = program_of("dockerd", "docker", programs)
    folder, lock, sockets = own_folder("docker", say)
    settings: dict[str, object] = {"builder": {"gc": {"enabled": False}}}
    if store:
        settings["features"] = {"containerd-snapshotter": store == "containerd"}
    _write(folder / "daemon.json", json.dumps(settings))
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
    place = Place(folder, lock, sockets, programs)
    environment = telemetry.reachable(os.environ)
    return start(command, environment, place, network=sockets / "network", say=say)


def start_podman(say: Say, programs: Programs = HOST) -> Private:
    """A podman service with its own storage. Its containers use the host's network as it is."""
    program = program_of("podman", "podman", programs)
    folder, lock, sockets = own_folder("podman", say)
    for name in ("tmp", "networks"):
        (folder / name).mkdir()
    _write(folder / "containers.conf", podman_settings.containers_conf(folder))
    environment = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "TMPDIR": str(folder / "tmp"),  # RUN --mount=type=cache lies there: never the user's
    }
    if not programs.has("/etc/containers/policy.json"):
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
        *podman_settings.storage(folder, programs, say),
        *podman_settings.runtime(programs),
        "system",
        "service",
        "--time=0",
        f"unix://{sockets / 'podman.sock'}",
    ]
    place = Place(folder, lock, sockets, programs)
    return start(command, environment, place, network=None, say=say)


def sweep(say: Say) -> int:
    """Clear what private engines of dead labs left behind; the number of engines cleared."""
    return leftovers.sweep(paths.state_dir(), paths.runtime_dir(), say)


@dataclass(frozen=True, slots=True)
class Place:
    """A daemon's own folders and its programs; ``lock`` says that its lab is alive."""

    folder: Path
    lock: IO[str]
    sockets: Path
    programs: Programs

    def other_root(self) -> confined.OtherRoot | None:
        """The root that the daemon gets where its programs are not this host's."""
        if self.programs.root is None:
            return None
        stage = self.folder / "root"
        stage.mkdir()
        return confined.OtherRoot(
            lower=self.programs.root,
            stage=stage,
            folder=self.folder,
            sockets=self.sockets,
            path=PATH,
        )


def own_folder(engine: str, say: Say) -> tuple[Path, IO[str], Path]:
    """A new folder for a daemon, its lock, and the folder of its sockets."""
    sweep(say)
    folder, lock = leftovers.make(paths.state_dir(), engine)
    sockets = paths.runtime_dir() / folder.name
    sockets.mkdir(mode=0o700)
    return folder, lock, sockets


def start(
    command: Sequence[Argument],
    environment: Mapping[str, str],
    place: Place,
    *,
    network: Path | None,
    say: Say,
    answers: Callable[[str], bool] = _answers,
) -> Private:
    """Start a daemon that listens on ``NAME.sock`` of its sockets, and wait until it ``answers``.

    Raises EngineUnavailable, DiskFull; nothing of it is left then.
    """
    engine = place.folder.name.partition("-")[0]
    socket = place.sockets / f"{engine}.sock"
    log = place.folder / "daemon.log"
    which = "" if place.programs.root is None else f" ({place.programs.about})"
    say(f"starting a private {engine}{which} in {place.folder}")
    daemon = None
    group = cgroups.make(leftovers.group_name(place.folder)) if os.geteuid() == 0 else None
    try:
        daemon = confined.start(
            command,
            log=log,
            environment=environment,
            network=network,
            groups=() if group is None else group.entrances,
            other=place.other_root(),
        )
        _sign(place.lock, daemon.pid)
        _wait(daemon, f"unix://{socket}", log, answers)
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
        _about=place.programs.about,
        _network=network,
    )


def _wait(
    daemon: confined.Confined, endpoint: str, log: Path, answers: Callable[[str], bool]
) -> None:
    deadline = time.monotonic() + START_S
    pause = 0.01
    while not daemon.ended and time.monotonic() < deadline:
        if Path(endpoint.removeprefix("unix://")).exists() and answers(endpoint):
            return
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)
    what = "ended at once" if daemon.ended else f"did not answer within {START_S:g} s"
    said = tail(log.read_text(errors="replace")) or "it said nothing"
    if "no space left on device" in said.lower():
        raise DiskFull(f"no space left in {log.parent}", remedy="free some, or set LAB_CACHE")
    raise EngineUnavailable(
        f"the private {log.parent.name.partition('-')[0]} {what}; it said:\n{said}",
        remedy="lab doctor",
    )


def _sign(lock: IO[str], daemon: int) -> None:
    processes = {"lab": os.getpid(), "daemon": daemon}
    owner = {
        name: {"pid": pid, "started": process.process_start(pid)} for name, pid in processes.items()
    }
    lock.write(json.dumps(owner))
    lock.flush()


def program_of(name: str, engine: str, programs: Programs) -> Path:
    """Where a daemon's program lies. Raises EngineUnavailable."""
    program = programs.find(name)
    if program is None:
        raise EngineUnavailable(
            f"no {engine} answers, and none can be started: there is no {name}", remedy=INSTALL
        )
    return program


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
