"""What private engines leave: their folders, found by who owned them and cleared with care."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from lab.host import cgroups, facts
from lab.host.process import process_start, run
from lab.model.errors import MissingPrerequisite, StoreError

OWNER = "owner.json"
NAMES = ("docker-*", "podman-*", "registry-*")
KILL_S = 10.0
LEAVE_S = 3.0
KEPT = '{"kept": true}'


def sweep(state: Path, runtime: Path, say: Callable[[str], None]) -> int:
    """Clear the folders in ``state`` whose lab is dead; how many those were."""
    cleared = 0
    for folder in sorted(path for name in NAMES for path in state.glob(name)):
        with _abandoned(folder) as abandoned:
            if abandoned:
                say(f"clearing what a killed lab left in {folder}")
                _kill(folder)
                clear(folder, runtime / folder.name)
                cleared += 1
    return cleared


def clear(folder: Path, sockets: Path) -> None:
    """Unmount what lies below an engine's folders and remove them, its control groups too."""
    _unmount(folder, sockets)
    _remove_groups(folder)
    rm: list[str | Path] = ["rm", "-rf", "--one-file-system", "--"]
    remedy = f"remove {folder} by hand"
    if os.geteuid() != 0:
        # Files of a rootless podman's containers belong to the user's subordinate users. Not by
        # `podman unshare`: that leaves a process behind, as the service did for its --tmpdir.
        with suppress(OSError, ValueError):
            os.kill(int((sockets / "tmp/pause.pid").read_text()), signal.SIGKILL)
        with suppress(MissingPrerequisite):
            become = ["unshare", "--map-root-user", "--map-auto"]
            run([*become, *rm, folder], codes=range(256))
    run([*rm, folder, sockets], error=StoreError, remedy=remedy)


def keep(folder: Path, sockets: Path) -> None:
    """Leave a stopped engine's storage to the user: from now on no lab clears it away."""
    _unmount(folder, sockets)
    _remove_groups(folder)
    run(["rm", "-rf", "--one-file-system", "--", sockets], error=StoreError)
    (folder / OWNER).write_text(KEPT, encoding="utf-8")


def group_name(folder: Path) -> str:
    """The control group of the engine with this folder: below it are its daemon and its steps."""
    return f"lab-{folder.name}"


def make(state: Path, name: str) -> tuple[Path, IO[str]]:
    """A new folder for an engine of this name in ``state``, and the lock that holds it.

    Between the folder and its lock a lock on the folder itself holds it.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=state))
        with suppress(FileNotFoundError), _locked(folder, fcntl.LOCK_EX):
            owner = (folder / OWNER).open("w+")
            fcntl.flock(owner, fcntl.LOCK_EX)
            return folder, owner


@contextmanager
def _abandoned(folder: Path) -> Iterator[bool]:
    """Whether the folder's lab is dead. The lock is held meanwhile, so that one lab clears it."""
    once = fcntl.LOCK_EX | fcntl.LOCK_NB
    with ExitStack() as held:
        try:
            held.enter_context(_locked(folder, once))
            owner = held.enter_context((folder / OWNER).open("r+"))
            fcntl.flock(owner, once)
        except BlockingIOError:
            yield False
        except FileNotFoundError:
            yield folder.is_dir()  # killed before it had an owner; else another lab clears it
        else:
            yield owner.read() != KEPT


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder itself. Raises FileNotFoundError where another lab has just cleared it."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, how)
        if not os.path.samestat(folder.stat(), os.fstat(fd)):
            raise FileNotFoundError(folder)
        yield
    finally:
        os.close(fd)


def _kill(folder: Path) -> None:
    """Kill the daemon, if the process of that number is still the one that was started."""
    try:
        daemon = json.loads((folder / OWNER).read_text(encoding="utf-8"))["daemon"]
        pid, started = int(daemon["pid"]), daemon["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    deadline = time.monotonic() + KILL_S
    while started is not None and process_start(pid) == started and time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.02)


def _unmount(*places: Path) -> None:
    for place in places:
        points = [mount.point for mount in facts.mounts() if mount.point.is_relative_to(place)]
        for point in sorted(points, key=lambda point: len(point.parts), reverse=True):
            run(["umount", "--lazy", point], codes=range(256))


def _remove_groups(folder: Path) -> None:
    """Remove an engine's control groups; a killed process takes a moment to leave its own."""
    names = [group_name(folder)]
    # podman puts each container into a group of its own below one that all podmans share.
    containers = (folder / "data").glob("*-containers/*")
    names += [f"libpod_parent/libpod-{path.name}" for path in containers if path.is_dir()]
    deadline = time.monotonic() + LEAVE_S
    while names := [name for name in names if not cgroups.remove(name)]:
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)
