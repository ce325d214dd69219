"""A sandbox: a folder in which an experiment mounts; it is cleared whatever happens.

Everything that an experiment mounts is below its sandbox, and so is every loop device's file: the
kernel's own tables are the journal of what has to be undone. A lock says that the experiment is
alive; the next one clears the sandboxes that nobody locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host import facts, paths, signals
from lab.host.disk import disk
from lab.host.process import Argument, found, run
from lab.model.errors import DiskFull, InputError, MissingPrerequisite

Say = Callable[[str], None]

OWNER = ".owner"
DISKS = ("ext4", "xfs", "btrfs")
IMAGES = ("squashfs", "erofs")
_DROP = Path("/proc/sys/vm/drop_caches")
_MKFS: dict[str, list[Argument]] = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}
_PACKAGES = {
    "ext4": "e2fsprogs",
    "xfs": "xfsprogs",
    "btrfs": "btrfs-progs",
    "squashfs": "squashfs-tools",
    "erofs": "erofs-utils",
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An experiment's folder. Names in it are the experiment's to choose."""

    folder: Path

    def tmpfs(self, name: str, size: str = "2g") -> Path:
        """A file system in memory."""
        return self._mount(name, ["-t", "tmpfs", "-o", f"size={size},mode=755", "lab"])

    def disk(
        self, kind: str, name: str, *, size: int = 2 << 30, options: str = "", device: str = ""
    ) -> Path:
        """A fresh file system on a loop device, or on a block device that holds nothing yet."""
        target = Path(device) if device else self.folder / f"{name}.img"
        if device:
            _empty(device)
        else:
            with disk(target), target.open("wb") as file:
                file.truncate(size)
        run([*_MKFS[kind], target], remedy="lab doctor --install")
        extra = [option for option in (options, "" if device else "loop") if option]
        words: list[Argument] = ["-t", kind, *(["-o", ",".join(extra)] if extra else []), target]
        return self._mount(name, words)

    def image(self, kind: str, name: str, tree: Path) -> Path:
        """A read-only image of a tree, mounted from a loop device."""
        target = self.folder / f"{name}.img"
        if kind == "squashfs":
            run(["mksquashfs", tree, target, "-quiet", "-no-progress", "-comp", "lz4"])
        else:
            run(["mkfs.erofs", "--quiet", target, tree])
        return self._mount(name, ["-t", kind, "-o", "loop,ro", target])

    def overlay(self, name: str, lower: Path) -> Path:
        """An overlay of one lower folder with an empty upper one."""
        for part in ("upper", "work"):
            (self.folder / f"{name}.{part}").mkdir()
        upper, work = self.folder / f"{name}.upper", self.folder / f"{name}.work"
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        return self._mount(name, ["-t", "overlay", "-o", options, "overlay"])

    def bind(self, name: str, source: Path, *, read_only: bool = False) -> Path:
        """A bind mount of a folder."""
        point = self._mount(name, ["--bind", source])
        if read_only:
            run(["mount", "-o", "remount,bind,ro", point])
        return point

    def _mount(self, name: str, words: Sequence[Argument]) -> Path:
        point = self.folder / name
        with disk(point):
            point.mkdir()
        run(
            ["mount", *words, point],
            error=MissingPrerequisite,
            remedy="mounts need root and the module",
        )
        return point


@contextlib.contextmanager
def opened(say: Say) -> Iterator[Sandbox]:
    """A new sandbox, cleared at the end. Clears first what killed experiments left."""
    home = paths.cache_dir() / "sandboxes"
    with disk(home, "set LAB_CACHE"):
        home.mkdir(exist_ok=True)
        sweep(say)
        folder = Path(tempfile.mkdtemp(prefix="sandbox-", dir=home))
        owner = (folder / OWNER).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield Sandbox(folder)
    finally:
        with signals.shielded():
            clear(folder)
        owner.close()


def sweep(say: Say) -> int:
    """Clear the sandboxes whose experiment has ended without doing so; how many those were."""
    cleared = 0
    cache = paths.cache_dir()
    old = cache.glob("bays/bay-*")  # as lab 0.1 named them
    for folder in sorted([*cache.glob("sandboxes/sandbox-*"), *old]):
        try:
            with (folder / OWNER).open("a") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                say(f"clearing what a killed experiment left in {folder}")
                clear(folder)
                cleared += 1
        except OSError:
            continue  # it is alive, or another lab is clearing it
    return cleared


def clear(folder: Path) -> None:
    """Unmount what is below a folder, last first, let go of its loop devices, and remove it."""
    _end(folder.name)
    points = [mount.point for mount in facts.mounts() if mount.point.is_relative_to(folder)]
    for point in reversed(points):
        if run(["umount", point], codes=range(256)).code != 0:
            run(["umount", "--lazy", point], codes=range(256))
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            named = backing.read_text().strip().removesuffix(" (deleted)")
            if Path(named).is_relative_to(folder):
                run(["losetup", "--detach", f"/dev/{backing.parts[3]}"], codes=range(256))
    shared = paths.SHARED_MEMORY / folder.name  # where experiments put GOROOT in memory
    run(["rm", "-rf", "--one-file-system", "--", folder, shared], codes=range(256))


def _end(container: str) -> None:
    """End what still runs in a container of runc_exec; remove its control groups."""
    # Not a glob, which fails where somebody else's group goes away while it looks.
    groups = [Path(at, container) for at, names, _ in os.walk(facts.CGROUPS) if container in names]
    for _ in range(50):
        pids = {int(pid) for group in groups for pid in _inside(group)}
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    for group in groups:
        with contextlib.suppress(OSError):  # runc may have done so by now
            group.rmdir()


def _inside(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text(encoding="ascii").split()
    except OSError:
        return []


def lacks(kind: str) -> str | None:
    """Why this host cannot mount a kind of file system; None where it can."""
    if os.geteuid() != 0:
        return "only root may mount"
    program = {"squashfs": "mksquashfs", "erofs": "mkfs.erofs"}.get(kind, f"mkfs.{kind}")
    if kind in _PACKAGES and found(program) is None:
        return f"there is no {program}: apt-get install {_PACKAGES[kind]}, or lab doctor --install"
    known = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if kind not in known and run(["modprobe", kind], codes=range(256)).code != 0:
        return f"this kernel has no {kind}"
    return None


def fill(tree: Path, target: Path) -> Path:
    """Copy a tree as it is, to the disk. Raises DiskFull where there is no room."""
    needed = sum(path.lstat().st_size for path in tree.rglob("*"))
    with disk(target, "set LAB_CACHE"):
        target.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(target).free < needed * 1.3:
        raise DiskFull(f"{target} has no room for {needed} bytes", remedy="give it more room")
    run(["cp", "--archive", f"{tree}/.", target])
    run(["sync", "--file-system", target])
    return target


def read_through(tree: Path) -> None:
    """Read every file of a tree, so that the kernel has its names and pages."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.read_bytes()


def keeps_caches() -> str | None:
    """Why the kernel's caches cannot be dropped here; None where they can."""
    if os.access(_DROP, os.W_OK):
        return None
    return "the page cache cannot be dropped: only root may, and no container that has not /proc"


def drop_caches() -> None:
    """Let the kernel forget pages, names and inodes. Raises MissingPrerequisite without root."""
    os.sync()
    try:
        _DROP.write_text("3")
    except OSError as error:
        raise MissingPrerequisite(
            f"the page cache cannot be dropped: {error.strerror}", remedy="run as root"
        ) from error


def _empty(device: str) -> None:
    """Raises InputError where it is not a device, is in use, or holds something."""
    if not re.fullmatch(r"/dev/[\w/.-]+", device) or not Path(device).is_block_device():
        raise InputError(
            f"{device} is not a block device",
            remedy="name one that holds nothing, such as /dev/sdb1",
        )
    if any(mount.source == device for mount in facts.mounts()):
        raise InputError(f"{device} is mounted", remedy="name a device that is free")
    if run(["blkid", "--probe", device], codes=range(256)).code != 2:  # 2: nothing was found
        raise InputError(
            f"{device} holds a file system or a partition table",
            remedy=f"if it may go: wipefs --all {device}",
        )
