"""An overlay mounted over a folder, and swapped for another in one step of the kernel.

util-linux 2.38 knows neither detached mounts nor MOVE_MOUNT_BENEATH, so the system calls are made
here: fsopen(2), fsconfig(2), fsmount(2), move_mount(2); numbers are the same on every
architecture (asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from lab import host
from lab.errors import HostLacks, LabError

SOURCE = "lab-goroot"

_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 429, 430, 431, 432
_SET_STRING, _CREATE = 1, 6  # enum fsconfig_command
_EMPTY_PATH = 0x4  # MOVE_MOUNT_F_EMPTY_PATH
_BENEATH = 0x200  # MOVE_MOUNT_BENEATH, Linux 6.5
_READ_ONLY = 0x1  # MOUNT_ATTR_RDONLY
_AT_FDCWD = -100
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def mounted(place: Path) -> int:
    """How many of the lab's overlays lie on a folder, one on the other."""
    return sum(mount.point == place and mount.source == SOURCE for mount in host.mounts())


def swap(place: Path, lower: Path, empty: Path) -> None:
    """Lay a read-only overlay of ``lower`` on ``place``, and take away the one that lay there.

    Whoever looks a path up meets the old or the new. Where the kernel cannot mount beneath
    (before 6.5), the new one covers the old one, which then goes with `unmount`.
    """
    before = mounted(place)
    fd = _overlay(lower, empty)
    try:
        if before == 0 or not _move(fd, place, _EMPTY_PATH | _BENEATH):
            _move(fd, place, _EMPTY_PATH)
            return
    finally:
        os.close(fd)
    for _ in range(before):
        _unmount(place)


def unmount(place: Path) -> int:
    """Take away every overlay of the lab from a folder; how many those were."""
    count = mounted(place)
    for _ in range(count):
        _unmount(place)
    return count


def possible() -> str | None:
    """Why this host cannot mount overlays; None where it can."""
    if os.geteuid() != 0:
        return "only root may mount"
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="ascii").split():
        return "this kernel has no overlay file system (modprobe overlay)"
    return None


def _overlay(lower: Path, empty: Path) -> int:
    """A detached overlay. Without an upper layer it needs two lower ones: ``empty`` is a folder."""
    context = _call(_FSOPEN, b"overlay", 1)
    try:
        _call(_FSCONFIG, context, _SET_STRING, b"source", SOURCE.encode(), 0)
        layers = f"{_escaped(lower)}:{_escaped(empty)}".encode()
        _call(_FSCONFIG, context, _SET_STRING, b"lowerdir", layers, 0)
        _call(_FSCONFIG, context, _CREATE, None, None, 0)
        return _call(_FSMOUNT, context, 1, _READ_ONLY)
    finally:
        os.close(context)


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _move(fd: int, place: Path, flags: int) -> bool:
    """Put a detached mount in its place; False where the kernel does not know these flags."""
    try:
        _call(_MOVE_MOUNT, fd, b"", _AT_FDCWD, os.fsencode(place), flags)
    except LabError as failed:
        cause = failed.__cause__
        if flags & _BENEATH and isinstance(cause, OSError) and cause.errno == errno.EINVAL:
            return False
        raise
    return True


def _unmount(place: Path) -> None:
    if _libc.umount2(os.fsencode(place), _MNT_DETACH) != 0:
        number = ctypes.get_errno()
        raise LabError(
            f"cannot unmount {place}: {os.strerror(number)}", remedy=f"umount --lazy {place}"
        )


def _call(number: int, *arguments: int | bytes | None) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        code = ctypes.get_errno()
        kind = HostLacks if code in {errno.ENOSYS, errno.EPERM, errno.ENODEV} else LabError
        raise kind(
            f"this host did not mount an overlay: {os.strerror(code)}",
            remedy="lab goroot use VERSION --how link needs no mount",
        ) from OSError(code, os.strerror(code))
    return result
