"""An initial RAM file system in the form that Linux reads: cpio's "newc".

The form is described in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import IO

_CONSOLE = (5, 1)  # major and minor number: what process 1 reads and writes


def write(out: IO[bytes], files: Mapping[str, bytes | Path]) -> None:
    """Write an archive with these files, all of them executable, and /dev/console.

    ``files`` are paths without a leading slash; a Path is copied from the disk.
    """
    folders = {"dev", "proc", "sys"}
    for name in files:
        folders |= {parent.as_posix() for parent in Path(name).parents} - {"."}
    numbers = count(1)  # each entry has an inode of its own
    for name in sorted(folders):
        out.write(_head(next(numbers), name, stat.S_IFDIR | 0o755, 0))
    out.write(_head(next(numbers), "dev/console", stat.S_IFCHR | 0o600, 0, device=_CONSOLE))
    for name, content in sorted(files.items()):
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        out.write(_head(next(numbers), name, stat.S_IFREG | 0o755, size))
        if isinstance(content, Path):
            with content.open("rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
        else:
            out.write(content)
        out.write(bytes(-size % 4))
    out.write(_head(0, "TRAILER!!!", 0, 0))


def _head(
    number: int, name: str, mode: int, size: int, *, device: tuple[int, int] = (0, 0)
) -> bytes:
    """One entry's head and name, padded to four bytes. Times are the epoch, owners are root."""
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, size, 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4)
