"""What the lab made in a user's engine: on disk before it is there, until it was given back.

A lab holds a lock on its own ledger. The kernel lets go of it when the lab ends, however it ends:
the next lab that opens the same engine takes over what is noted there, and gives it back.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from lab.host.disk import disk

_SUFFIX = ".jsonl"
_REMEDY = "set LAB_CACHE to a folder on another disk"


class Ledger:
    """Texts by what they are. Without a folder nothing is on disk: the engine goes with its lab.

    ``inherited``: dead labs made something there.
    """

    def __init__(self, folder: Path | None = None, endpoint: str = "") -> None:
        self._folder, self.endpoint = folder, endpoint
        self._noted: dict[str, dict[str, None]] = {}
        self._file: IO[str] | None = None
        self._place = Path()
        self.inherited = False

    @classmethod
    def of(cls, folder: Path, endpoint: str) -> Self:
        """The ledger of an engine's next user, with what dead labs left there."""
        made = cls(folder, endpoint)
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            made._take_over(path)
        return made

    def note(self, kind: str, texts: Iterable[str]) -> None:
        """Add to what is noted. Raises DiskFull, StoreError."""
        known = self._noted.setdefault(kind, {})
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= dict.fromkeys(new)
            self._write({kind: new})

    def of_kind(self, kind: str) -> list[str]:
        """What is noted of a kind, in its order."""
        return list(self._noted.get(kind, ()))

    def drop(self, *kinds: str) -> None:
        """Forget what is noted of these kinds: it was given back."""
        dropped = [kind for kind in kinds if self._noted.pop(kind, None)]
        if dropped:
            self._write(dropped)

    def close(self, *, settled: bool) -> None:
        """Take the ledger off the disk, or leave it to the next lab where more may be there."""
        if self._file is not None:
            if settled:
                self._place.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _take_over(self, path: Path) -> None:
        # Another user's, a living lab's, or one that another lab has just taken over.
        with suppress(OSError), path.open("r+", encoding="utf-8", errors="replace") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lines = list(_lines(left))
            if lines[:1] != [self.endpoint] or not path.exists():
                return
            found: dict[str, dict[str, None]] = {}
            for line in lines[1:]:
                match line:
                    case dict():
                        for kind, texts in line.items():
                            found.setdefault(kind, {}).update(dict.fromkeys(_texts(texts)))
                    case list():
                        for kind in _texts(line):
                            found.pop(kind, None)
            self.inherited = True
            for kind, texts in found.items():
                self.note(kind, texts)
            path.unlink()

    def _write(self, line: object) -> None:
        if self._folder is None:
            return
        with disk(self._folder, _REMEDY):
            if self._file is None:
                self._file = self._begun(self._folder)
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _begun(self, folder: Path) -> IO[str]:
        """A file that has its name once it is locked and says whose it is."""
        number, draft = tempfile.mkstemp(prefix=".", dir=folder)
        file = os.fdopen(number, "w", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(self.endpoint) + "\n")
        file.flush()
        self._place = Path(draft).rename(folder / f"{Path(draft).name[1:]}{_SUFFIX}")
        return file


def _lines(file: IO[str]) -> Iterator[object]:
    """The lines that were written whole."""
    for line in file:
        with suppress(ValueError):
            yield json.loads(line)


def _texts(value: object) -> list[str]:
    """The texts of a list: of a damaged line nothing else is taken."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
