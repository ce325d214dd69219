"""What is known of many runs, kept beside them so that each is read once: ``.index/`` of a folder.

A row is derived from a run's files, and believed only as long as they are the very files that it
was made of: by inode, size and both times. Files younger than RECENT are read anew each time, for
within a clock's grain a file can change and look as before. Rows that are wrong, gone or of another
version are made again; the whole folder may be deleted at any time. Several processes may write:
SQLite lets one in at a time, and each writes what the files say.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.host import own_folders
from lab.host.disk import disk
from lab.model.errors import InputError, LabError

FOLDER, FILE = ".index", "rows.sqlite3"
RUN_FILE, BUILDS_FILE = "run.json", "builds.jsonl"
RECENT = 2.0  # seconds: no file system in use has a coarser clock (FAT's is of 2 s)
FEW = 50  # runs: so many are read faster than anything is kept
_WAIT_S = 2.0  # for another process that writes
_BATCH = 1000

Row = dict[str, Any]
Sign = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Rows of one sort: their name, the version of what is derived, and how it is.

    ``make`` takes a run's folder and gives what JSON can hold. Raises InputError where the run
    cannot be read: that is the answer for the run, and never kept.
    """

    name: str
    version: int
    make: Callable[[Path], Row]


@dataclass(slots=True)
class Known:
    """Rows that a process has in its memory, by kind and run."""

    rows: dict[tuple[str, str], tuple[Sign, Row]] = field(default_factory=dict)


def signs(results: Path) -> dict[str, Sign]:
    """The runs of a folder, sorted by name, and what tells their files from any others."""
    found = {}
    if not results.is_dir():
        return {}
    with disk(results):
        names = sorted(os.listdir(results))  # noqa: PTH208 (of ten thousand, without an object each)
    for name in names:
        if name.startswith("."):  # no run: this index, what is being written
            continue
        folder = f"{results}/{name}"
        with suppress(OSError):
            head = os.stat(f"{folder}/{RUN_FILE}")  # noqa: PTH116 (as above)
            try:
                builds = os.stat(f"{folder}/{BUILDS_FILE}")  # noqa: PTH116 (as above)
            except OSError:
                found[name] = _sign(head)
            else:
                found[name] = (*_sign(head), *_sign(builds))
    return found


def _sign(one: os.stat_result) -> Sign:
    return (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns)


def rows(
    results: Path,
    kind: Kind,
    known: Known | None = None,
    *,
    at: Mapping[str, Sign] | None = None,
    some: bool = False,
) -> dict[str, Row | InputError]:
    """The row of every run of a folder, by the folder's name, in the order of names.

    ``known`` keeps them from one call to the next; ``at`` are the runs, where they were looked up
    already: all, or ``some`` of very many. What cannot be kept is made again next time: that is no
    error.
    """
    wanted = signs(results) if at is None else at
    few = len(wanted) < FEW and not some
    memory = Known() if known is None else known
    found: dict[str, Row | InputError] = {}
    missing = []
    for name, sign in wanted.items():
        before = memory.rows.get((kind.name, name))
        if before is not None and before[0] == sign:
            found[name] = before[1]
        else:
            missing.append(name)
    if missing:
        with _opened(results, few=few) as there:
            _fill(found, there, kind, results, {name: wanted[name] for name in missing}, memory)
            if not some:
                there.forget(kind, wanted)
    return {name: found[name] for name in wanted}


def kept(
    results: Path, kind: Kind, known: Known, *, at: Mapping[str, Sign]
) -> dict[str, Row | InputError]:
    """The rows of these runs that need not be made, where they are many."""
    if len(at) < FEW:
        return {}
    found: dict[str, Row | InputError] = {}
    with _opened(results, few=False) as there:
        _take(found, there.read(kind), kind, at, known)
    return found


def _fill(
    found: dict[str, Row | InputError],
    kept: _Kept,
    kind: Kind,
    results: Path,
    wanted: Mapping[str, Sign],
    memory: Known,
) -> None:
    """Take rows from the index where they hold, make and keep the others."""
    if len(wanted) >= FEW:
        _take(found, kept.read(kind), kind, wanted, memory)
    new: list[tuple[str, Sign, Row]] = []
    for name, sign in wanted.items():
        if name in found:
            continue
        began = time.time()
        made = found[name] = _made(kind, results / name)
        if isinstance(made, InputError) or _recent(sign, began):
            continue
        memory.rows[kind.name, name] = (sign, made)
        new.append((name, sign, made))
        if len(new) >= _BATCH:
            kept.write(kind, new)
            new = []
    kept.write(kind, new)


def _take(
    found: dict[str, Row | InputError],
    there: Mapping[tuple[str, str], str],
    kind: Kind,
    wanted: Mapping[str, Sign],
    memory: Known,
) -> None:
    """The rows that hold, out of their texts."""
    for name, sign in wanted.items():
        if (text := there.get((name, _text(sign)))) is not None:
            with suppress(ValueError):
                found[name] = row = json.loads(text)
                memory.rows[kind.name, name] = (sign, row)


def _made(kind: Kind, folder: Path) -> Row | InputError:
    try:
        return kind.make(folder)
    except InputError as error:
        return error
    except LabError as error:  # it was taken away meanwhile, or may not be read
        return InputError(error.message, remedy=error.remedy or "look at that run's folder")


def _recent(sign: Sign, now: float) -> bool:
    times = (*sign[2:4], *sign[6:8])
    return max(times) / 1e9 > now - RECENT


def _text(sign: Sign) -> str:
    return ".".join(map(str, sign))


class _Kept:
    """The database; None where there can be none: then nothing is kept."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database = database
        self.broken = False

    def read(self, kind: Kind) -> dict[tuple[str, str], str]:
        """The texts of all rows of a kind, by run and sign."""
        if self._database is None:
            return {}
        sql = "SELECT run, sign, row FROM rows WHERE kind = ? AND version = ?"
        try:
            found = self._database.execute(sql, (kind.name, kind.version)).fetchall()
        except sqlite3.OperationalError:  # another process writes for long
            return {}
        except sqlite3.Error:
            self.broken = True
            return {}
        return {(run, sign): row for run, sign, row in found}

    def write(self, kind: Kind, new: Sequence[tuple[str, Sign, Row]]) -> None:
        """Keep rows, all of them or none."""
        if self._database is None or not new:
            return
        values = [
            (kind.name, run, kind.version, _text(sign), json.dumps(row)) for run, sign, row in new
        ]
        with suppress(sqlite3.Error), self._database:
            self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", values)

    def forget(self, kind: Kind, runs: Mapping[str, Sign]) -> None:
        """Drop the rows of runs that are gone, once they are many."""
        if self._database is None:
            return
        with suppress(sqlite3.Error), self._database:
            sql = "SELECT run FROM rows WHERE kind = ?"
            gone = [run for (run,) in self._database.execute(sql, (kind.name,)) if run not in runs]
            if len(gone) > FEW:
                pairs = [(kind.name, run) for run in gone]
                self._database.executemany("DELETE FROM rows WHERE kind = ? AND run = ?", pairs)


@contextmanager
def _opened(results: Path, *, few: bool) -> Iterator[_Kept]:
    """The database of a folder, made where there is none and made anew where it is broken.

    Of ``few`` runs there is none.
    """
    if few:
        yield _Kept(None)
        return
    database = None
    with suppress(OSError, LabError, sqlite3.Error):
        folder = results / FOLDER
        folder.mkdir(exist_ok=True)
        own_folders.mark(folder)  # in a context that is measured it must not count
        try:
            database = _connected(folder / FILE)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, or not to be written
                raise
            (folder / FILE).unlink()  # no database, or a broken one
            database = _connected(folder / FILE)
    if database is None:
        yield _Kept(None)
        return
    kept = _Kept(database)
    with closing(database):
        yield kept
    if kept.broken:
        with suppress(OSError):
            (results / FOLDER / FILE).unlink()


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        database.execute(
            "CREATE TABLE IF NOT EXISTS rows (kind TEXT, run TEXT, version INTEGER, sign TEXT, "
            "row TEXT, PRIMARY KEY (kind, run))"
        )
        database.execute("SELECT count(*) FROM (SELECT 1 FROM rows LIMIT 1)").fetchall()
    except sqlite3.Error:
        database.close()
        raise
    return database
