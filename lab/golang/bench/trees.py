"""GOROOTs in the places that builds are compared in, each a copy of its own.

disk, home       on the disk of the lab's cache, at two paths
shm, tmpfs       in memory: a tmpfs of the lab's own, or a folder in /dev/shm without root
ext4, xfs, btrfs, squashfs, erofs, overlay, symlink
slow:20ms        on the disk, with a compiler that waits at each call: the truth check
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lab.golang.bench import programs, sandbox
from lab.golang.bench.sandbox import Sandbox
from lab.host.paths import SHARED_MEMORY
from lab.host.process import run
from lab.model.errors import InputError

PLACES = ("disk", "home", "shm", "tmpfs", *sandbox.DISKS, *sandbox.IMAGES, "overlay", "symlink")
SLOW = re.compile(r"slow:(\d+ms)")


def lacks(place: str) -> str | None:
    """Why a GOROOT cannot be put there on this host. Raises InputError for a place unknown."""
    if place in {"disk", "home", "symlink"} or SLOW.fullmatch(place):
        return None
    if place not in PLACES:
        known = ", ".join((*PLACES, "slow:20ms"))
        raise InputError(f"no layout is named {place!r}", remedy=f"one of {known}")
    if place == "shm":
        free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else 0
        return None if free > 1 << 29 else f"{SHARED_MEMORY} has {free} bytes free"
    return sandbox.lacks(place)


def plant(box: Sandbox, place: str, goroot: Path) -> Path:
    """A GOROOT in a place, a copy of the given one."""
    name = place.replace(":", "-")
    if place in sandbox.IMAGES:
        return box.image(place, name, goroot)
    if place in {"shm", "tmpfs", *sandbox.DISKS}:
        if place == "shm":
            point = SHARED_MEMORY / box.folder.name
        else:
            point = box.tmpfs(name) if place == "tmpfs" else box.disk(place, name)
        return sandbox.fill(goroot, point / "go")
    if place == "overlay":
        return box.overlay(name, sandbox.fill(goroot, box.folder / "overlay.lower"))
    folders = {"disk": "usr/local/go", "home": "home/user/go"}
    tree = sandbox.fill(goroot, box.folder / folders.get(place, f"{name}.tree"))
    if place == "symlink":
        (box.folder / name).symlink_to(tree)
        return box.folder / name
    if match := SLOW.fullmatch(place):
        _slow_down(tree, match[1], programs.compiled(goroot, "delay", ("delay.go",)))
    return tree


def calls(tree: Path) -> int | None:
    """How often the slowed compiler of a tree was called; None where it is not slowed."""
    compiler = _compiler(tree)
    log = compiler.with_name(f"{compiler.name}.calls")
    return log.stat().st_size if log.exists() else None


def _slow_down(tree: Path, delay: str, program: Path) -> None:
    compiler = _compiler(tree)
    compiler.rename(compiler.with_name(f"{compiler.name}.real"))
    compiler.with_name(f"{compiler.name}.delay").write_text(delay)
    shutil.copy2(program, compiler)


def _compiler(tree: Path) -> Path:
    said = run([tree / "bin/go", "env", "GOTOOLDIR"], environment=programs.OFFLINE).out.strip()
    return Path(said) / "compile"
