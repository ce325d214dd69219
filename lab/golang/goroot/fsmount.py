"""Mounts that are attached nowhere until they are whole, by the system calls of Linux 5.2 to 6.5.

fsopen(2), fsconfig(2), fsmount(2), open_tree(2), mount_setattr(2), move_mount(2). util-linux 2.38
knows neither detached mounts nor MOVE_MOUNT_BENEATH, so the calls are made here; their numbers are
the same on every architecture (asm-generic/unistd.h). A detached mount goes with the descriptor
that holds it: of a process that is killed nothing is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.model.errors import LabError, MissingPrerequisite

READ_ONLY, NO_SUID, NO_DEV = 0x1, 0x2, 0x4  # MOUNT_ATTR_*
BENEATH = 0x200  # MOVE_MOUNT_BENEATH, Linux 6.5

_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _SETATTR = 428, 429, 430, 431, 432, 442
_SET_STRING, _CREATE = 1, 6  # enum fsconfig_command
_CLONE, _CLOEXEC = 1, os.O_CLOEXEC  # OPEN_TREE_*
_FROM_EMPTY_PATH = 0x4  # MOVE_MOUNT_F_EMPTY_PATH
_AT_EMPTY_PATH = 0x1000
_AT_FDCWD = -100
_DETACH = 2  # MNT_DETACH

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def detached(kind: str, options: Mapping[str, str], attributes: int) -> Iterator[int]:
    """A new mount, attached nowhere: its descriptor, with which it goes unless it was moved."""
    context = _call(kind, _FSOPEN, kind.encode(), 1)
    try:
        for name, value in options.items():
            _call(kind, _FSCONFIG, context, _SET_STRING, name.encode(), os.fsencode(value), 0)
        _call(kind, _FSCONFIG, context, _CREATE, None, None, 0)
        mount = _call(kind, _FSMOUNT, context, 1, attributes)
    finally:
        os.close(context)
    try:
        yield mount
    finally:
        os.close(mount)


@contextlib.contextmanager
def clone(place: Path) -> Iterator[int]:
    """Another mount of what is mounted at a place, attached nowhere yet."""
    mount = _call(str(place), _OPEN_TREE, _AT_FDCWD, os.fsencode(place), _CLONE | _CLOEXEC)
    try:
        yield mount
    finally:
        os.close(mount)


def protect(mount: int, wanted: bool) -> None:
    """Let nobody write through a mount, or let them again."""
    attributes = struct.pack("=4Q", READ_ONLY * wanted, READ_ONLY * (not wanted), 0, 0)
    _call("it", _SETATTR, mount, b"", _AT_EMPTY_PATH, attributes, len(attributes))


def move(mount: int, place: Path, flags: int = 0) -> bool:
    """Put a detached mount in its place; False where the kernel does not know these flags."""
    flags |= _FROM_EMPTY_PATH
    try:
        _call(str(place), _MOVE_MOUNT, mount, b"", _AT_FDCWD, os.fsencode(place), flags)
    except LabError as failed:
        cause = failed.__cause__
        if flags & BENEATH and isinstance(cause, OSError) and cause.errno == errno.EINVAL:
            return False
        raise
    return True


def unmount(place: Path, *, lazy: bool) -> bool:
    """Take the top mount from a place; False where it is in use and not ``lazy``."""
    if _libc.umount2(os.fsencode(place), _DETACH if lazy else 0) == 0:
        return True
    number = ctypes.get_errno()
    if number == errno.EBUSY:
        return False
    raise LabError(
        f"cannot unmount {place}: {os.strerror(number)}", remedy=f"umount --lazy {place}"
    )


def _call(what: str, number: int, *arguments: int | bytes | None) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        code = ctypes.get_errno()
        lacking = code in {errno.ENOSYS, errno.EPERM, errno.ENODEV}
        raise (MissingPrerequisite if lacking else LabError)(
            f"this host did not mount {what}: {os.strerror(code)}",
            remedy="mounts need root, and a kernel of 5.12 or later",
        ) from OSError(code, os.strerror(code))
    return result
