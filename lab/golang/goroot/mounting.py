"""An overlay mounted over a folder, and swapped for another in one step of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

from lab.golang.goroot import fsmount
from lab.host import facts

SOURCE = "lab-goroot"


def mounted(place: Path) -> int:
    """How many of the lab's overlays are on a folder, one on the other."""
    return sum(mount.point == place and mount.source == SOURCE for mount in facts.mounts())


def swap(place: Path, lower: Path, empty: Path) -> None:
    """Lay a read-only overlay of ``lower`` on ``place``, and take away the one that lay there.

    Whoever looks a path up meets the old or the new. Where the kernel cannot mount beneath
    (before 6.5), the new one covers the old one, which then goes with `unmount`. Without an upper
    layer an overlay needs two lower ones: ``empty`` is a folder.
    """
    before = mounted(place)
    options = {"source": SOURCE, "lowerdir": f"{_escaped(lower)}:{_escaped(empty)}"}
    with fsmount.detached("overlay", options, fsmount.READ_ONLY) as mount:
        if before == 0 or not fsmount.move(mount, place, fsmount.BENEATH):
            fsmount.move(mount, place)
            return
    for _ in range(before):
        fsmount.unmount(place, lazy=True)


def unmount(place: Path) -> int:
    """Take away every overlay of the lab from a folder; how many those were."""
    count = mounted(place)
    for _ in range(count):
        fsmount.unmount(place, lazy=True)
    return count


def possible() -> str | None:
    """Why this host cannot mount overlays; None where it can."""
    if os.geteuid() != 0:
        return "only root may mount"
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="ascii").split():
        return "this kernel has no overlay file system (modprobe overlay)"
    return None


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
