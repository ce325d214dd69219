"""What an engine said in one build, message by message, compressed as it comes."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, BinaryIO

from lab.host.disk import disk
from lab.model.events import Log
from lab.results.runs import GZIP

OWN = "lab.log/1"


def own_log(log: Log) -> dict[str, Any]:
    """A message for output of which the engine's own is not at hand: an imported build's."""
    return {"schema": OWN, "step": log.step, "text": log.data.decode("utf-8", "replace")}


class RawStream:
    """One build's raw stream; the file is made with the first message."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Level 1 keeps pace with an engine that prints; higher levels would slow what is measured.
        self._deflate = zlib.compressobj(1, zlib.DEFLATED, GZIP)
        self._file: BinaryIO | None = None

    def add(self, at: float, data: bytes) -> None:
        line = b'{"t":%.6f,"m":%s}\n' % (at, data.replace(b"\n", b" ").strip() or b"null")
        with disk(self._path):
            if self._file is None:
                self._path.parent.mkdir(exist_ok=True)
                self._file = self._path.open("wb", buffering=0)
            if packed := self._deflate.compress(line):
                self._file.write(packed)

    def close(self) -> None:
        if self._file is not None:
            with disk(self._path), self._file:
                self._file.write(self._deflate.flush())
