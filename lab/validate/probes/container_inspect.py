"""A running container's confinement, read from outside: its filter as the kernel has it, its
capabilities, and the profile that its runtime was given.

The filter is the truth: what libseccomp and the runtime made of the profile, for this very host.
"""

from __future__ import annotations

import ctypes
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

_SEIZE, _INTERRUPT, _DETACH, _GET_FILTER = 0x4206, 0x4207, 17, 0x420C  # ptrace(2)
_WALL = 0x40000000
_INSTRUCTION = 8  # bytes of one instruction of a filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """``filter`` is empty where the process has none. None is what could not be read: ``why``."""

    filter: bytes | None
    capabilities: int | None
    profile: dict[str, Any] | None
    why: str = ""


def read(mark: str) -> Confined:
    """The confinement of the process that has ``mark`` among its arguments.

    An engine may count processes in a namespace of its own: the mark finds it whatever its number.
    """
    place = _marked(mark)
    if place is None:
        why = "the container is not on this machine, or not in sight of this user"
        return Confined(filter=None, capabilities=None, profile=None, why=why)
    try:
        status = (place / "status").read_text()
    except OSError as error:
        why = f"its process cannot be read: {error.strerror}"
        return Confined(filter=None, capabilities=None, profile=None, why=why)
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    found, why = b"", ""
    if fields.get("Seccomp", "0").strip() == "2":
        found, why = _filter(int(place.name))
    return Confined(
        filter=None if why else found,
        capabilities=int(fields["CapBnd"], 16) if "CapBnd" in fields else None,
        profile=_profile(fields.get("PPid", "").strip()),
        why=why,
    )


def _marked(mark: str) -> Path | None:
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                if mark.encode() in (place / "cmdline").read_bytes().split(b"\0"):
                    return place
    return None


def _profile(parent: str) -> dict[str, Any] | None:
    """The profile that the runtime was given, in the bundle of the process above.

    containerd's shim works in the bundle's folder; conmon names it by ``-b``, and its root is that
    of the engine's mount namespace.
    """
    above = Path("/proc") / parent
    bundles = [above / "cwd"]
    with suppress(OSError):
        words = (above / "cmdline").read_bytes().decode(errors="replace").split("\0")
        named = [after for word, after in pairwise(words) if word in {"-b", "--bundle"}]
        bundles += [above / "root" / name.lstrip("/") for name in named]
    for bundle in bundles:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return dict(json.loads((bundle / "config.json").read_bytes())["linux"]["seccomp"])
    return None


def _filter(pid: int) -> tuple[bytes, str]:
    """All filters of a process, the newest first, of which a container has one."""
    libc = ctypes.CDLL(None, use_errno=True)
    trace = libc.ptrace
    trace.restype = ctypes.c_long
    trace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if trace(_SEIZE, pid, None, None) != 0:
        return b"", f"its filter cannot be read: {os.strerror(ctypes.get_errno())}"
    try:
        trace(_INTERRUPT, pid, None, None)
        os.waitpid(pid, _WALL)
        count = trace(_GET_FILTER, pid, None, None)
        if count <= 0:
            return b"", f"its filter cannot be read: {os.strerror(ctypes.get_errno())}"
        room = ctypes.create_string_buffer(count * _INSTRUCTION)
        trace(_GET_FILTER, pid, None, room)
        more = trace(_GET_FILTER, pid, ctypes.c_void_p(1), None)
        return room.raw, "it has more than one filter" if more > 0 else ""
    finally:
        trace(_DETACH, pid, None, None)
