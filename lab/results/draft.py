"""A folder below results/ before it is a run or a validation: under a name that no reader takes."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from lab.host import temporary
from lab.host.disk import disk
from lab.host.own_folders import DRAFT


def new_id(name: str, at: datetime) -> str:
    """A run's id: its start in UTC and a short name, ``20261123-101502-layer-cache``."""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower())[:32].strip("-") or "run"
    return f"{at.astimezone(UTC):%Y%m%d-%H%M%S}-{short}"


@dataclass(slots=True)
class Draft:
    """``folder`` is where it lies. Of a lab that is killed before it is published nothing stays."""

    results: Path
    folder: Path
    _held: temporary.Held

    @classmethod
    def begin(cls, results: Path) -> Draft:
        """A new one; what dead labs left is cleared first. Raises StoreError, DiskFull."""
        with disk(results):
            results.mkdir(parents=True, exist_ok=True)
            held = temporary.make(results, DRAFT)
        return cls(results, held.path, held)

    def names(self, name: str) -> Iterator[str]:
        """Those that it can be published by: a number is added to one that is taken."""
        for number in count(1):
            numbered = name if number == 1 else f"{name}-{number}"
            if not (self.results / numbered).exists():
                yield numbered

    def publish(self, name: str) -> bool:
        """Give it this name at once; False where another lab has just taken it."""
        with disk(self.results):
            try:
                target = self.folder.rename(self.results / name)
            except OSError as error:
                if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                    return False
                raise
        self.folder = target
        self._held.release()
        return True

    def discard(self) -> None:
        """Remove it."""
        self._held.remove()
