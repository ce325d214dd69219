"""The samples of an experiment under way, each on disk before the next one is taken.

    {"schema": "lab.samples/1", "of": {...}}                what is measured, and on what host
    {"key": "3/disk", "s": 12.1, "found": {"wall": [4.2]}}  one sample, and how long it took

An experiment that was killed takes up what is there: a torn last line is dropped, and samples of
something else, or of another host, are put away.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from lab.host.disk import disk, dump
from lab.model.errors import StoreError

SCHEMA = "lab.samples/1"

Found = Mapping[str, Sequence[float]]
Take = Callable[[str, Callable[[], Found]], Found]


def anew(_: str, make: Callable[[], Found]) -> Found:
    """Take a sample and keep it nowhere."""
    return make()


class Journal:
    """The one writer of a file of samples. ``of`` says what they are samples of.

    ``resumed`` counts the samples that were there, which took ``earlier_s`` seconds together.
    Raises StoreError where another process writes the file, DiskFull where it cannot grow.
    """

    def __init__(self, path: Path, of: Mapping[str, Any]) -> None:
        self._path = path
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        try:
            self._lock()
            head = {"schema": SCHEMA, "of": json.loads(dump(of))}
            self._known = self._taken_up(head)
        except BaseException:
            self._file.close()
            raise
        self.resumed = len(self._known)
        self.earlier_s = sum(float(one["s"]) for one in self._known.values())

    def take(self, key: str, make: Callable[[], Found]) -> Found:
        """The sample of this name: as it was kept, or taken now and on disk when this returns."""
        if key in self._known:
            found: Found = self._known[key]["found"]
            return found
        begun = time.monotonic()
        found = {name: list(samples) for name, samples in make().items()}
        self._append({"key": key, "s": round(time.monotonic() - begun, 3), "found": found})
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"another lab process is writing {self._path}", remedy="wait for it, or stop it"
            ) from error

    def _taken_up(self, head: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """What the file holds of the same; the file is cut back to that, or begun anew."""
        self._file.seek(0)
        data = self._file.read()
        lines = _whole(data)
        if not lines or lines[0][1] != head:
            with disk(self._path):
                self._file.truncate(0)
            self._append(head)
            return {}
        with disk(self._path):
            self._file.truncate(lines[-1][0])
        return {str(one["key"]): one for _, one in lines[1:]}

    def _append(self, record: Mapping[str, Any]) -> None:
        rest = memoryview(dump(record) + b"\n")
        size = os.fstat(self._file.fileno()).st_size
        with disk(self._path):
            try:
                while rest:
                    rest = rest[self._file.write(rest) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(size)  # no half line may stand before a later whole one
                raise


def _whole(data: bytes) -> list[tuple[int, Any]]:
    """The records before the first line that is torn or none, each with the place of its end."""
    records: list[tuple[int, Any]] = []
    end = 0
    for line in data.splitlines(keepends=True):
        try:
            record = json.loads(line)
            sound = line.endswith(b"\n") and (not records or _is_sample(record))
        except ValueError:
            sound = False
        if not sound:
            break
        end += len(line)
        records.append((end, record))
    return records


def _is_sample(record: Any) -> bool:
    try:
        return float(record["s"]) >= 0 and all(
            isinstance(one, float | int) for each in record["found"].values() for one in each
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
