"""A file system that shows a folder and waits before it answers one kind of call: an oracle.

    python delaying_fs.py FOLDER POINT open|getattr|readdir|read SECONDS LOG

It runs until it is unmounted, and adds a byte to LOG for each wait. What waits is never answered by
the kernel out of what it remembers.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from pathlib import Path

import mfusepy


class Delaying(mfusepy.Operations):
    """Reads go through to the folder; ``slow`` is the call that waits, ``log`` counts."""

    use_ns = True

    def __init__(self, folder: Path, slow: str, seconds: float, log: Path) -> None:
        self._folder, self._slow, self._seconds = folder, slow, seconds
        self._log = log.open("ab", buffering=0)

    def _wait(self, call: str) -> None:
        if call == self._slow:
            self._log.write(b".")
            time.sleep(self._seconds)

    def _at(self, path: str) -> Path:
        return self._folder / path.lstrip("/")

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        del fh
        self._wait("getattr")
        try:
            found = self._at(path).lstat()
        except FileNotFoundError:
            raise mfusepy.FuseOSError(errno.ENOENT) from None
        return {"st_mode": found.st_mode & ~0o222, "st_nlink": 1, "st_size": found.st_size}

    def readdir(self, path: str, fh: int) -> list[str]:
        del fh
        self._wait("readdir")
        return [".", "..", *(one.name for one in self._at(path).iterdir())]

    def open(self, path: str, flags: int) -> int:
        self._wait("open")
        return os.open(self._at(path), flags & ~os.O_DIRECTORY)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        del path
        self._wait("read")
        return os.pread(fh, size, offset)

    def release(self, path: str, fh: int) -> int:
        del path
        os.close(fh)
        return 0


def main() -> None:
    folder, point, slow, seconds, log = sys.argv[1:]
    assert stat.S_ISDIR(Path(point).stat().st_mode)
    mfusepy.FUSE(
        Delaying(Path(folder), slow, float(seconds), Path(log)),
        point,
        foreground=True,
        nothreads=True,
        ro=True,
        direct_io=True,
        attr_timeout=0,
        entry_timeout=0.0 if slow == "getattr" else 1000.0,
    )


if __name__ == "__main__":
    main()
