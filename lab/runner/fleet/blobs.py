"""Bases and contexts on a worker, by the sha256 of their bytes: each travels once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.host.disk import disk

CHUNK = 4 << 20  # bytes of one message


class Blobs:
    """Files in ``folder``, each named by its digest in hex and whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk(folder):
            folder.mkdir(parents=True, exist_ok=True)

    async def missing(self, digests: Sequence[str]) -> dict[str, Any]:
        """Which of them are not here."""
        return {"missing": [one for one in digests if not self._path(one).is_file()]}

    async def add(self, digest: str, at: int, data: bytes, *, last: bool) -> dict[str, Any]:
        """A piece of a file; with its ``last`` one it must have its digest."""
        path = self._path(digest)
        part = path.with_suffix(".part")
        with disk(part), part.open("ab" if at else "wb") as file:
            file.truncate(at)
            file.write(data)
        if last:
            with disk(part), part.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == digest
            if not whole:
                part.unlink()
                return {"refused": f"{digest} came with other bytes"}
            part.rename(path)
        return {}

    def _path(self, digest: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError(f"{digest!r} is no digest")
        return self.folder / digest
