"""A long run's records as Parquet, kept beside the runs: ``.index/columns/`` of their folder.

A file is named after what it was made of: the records' inode, size and both times, and the columns
themselves. It is believed only as long as that name fits, so records younger than a clock's grain
(lab.results.index.RECENT) are read as they lie. All of it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import closing, suppress
from pathlib import Path

from lab.host import own_folders
from lab.results import index
from lab.results.columns.parts import PLAIN, TYPES, json_rows, read

FOLDER = "columns"
LONG = 8_000_000  # bytes of records: fewer are read faster than kept
_COLUMNS = {**PLAIN, **read(TYPES)}
_LINES_AT_ONCE = 1 << 20


def of(records: Path) -> Path | None:
    """The Parquet file of a run's records, made where there is none yet.

    None where they are few, too new, torn or broken, or where nothing can be kept: then they are to
    be read as they lie, which says what is wrong with them.
    """
    with suppress(OSError):
        found = records.stat()
        if found.st_size < LONG:
            return None
        folder = records.parent.parent / index.FOLDER / FOLDER
        path = folder / f"{records.parent.name}.{_sign(found)}.parquet"
        if _readable(path):
            return path
        if max(found.st_mtime, found.st_ctime) > time.time() - index.RECENT:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        own_folders.mark(folder.parent)  # in a context that is measured it must not count
        if _write(records, path) and _sign(records.stat()) == _sign(found):
            _forget(folder, path)
            return path
        path.unlink(missing_ok=True)
    return None


def _sign(found: os.stat_result) -> str:
    """What tells these records, read as these columns, from any others."""
    told = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, _COLUMNS)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:24]


def _readable(path: Path) -> bool:
    import duckdb

    if not path.exists():
        return False
    with closing(duckdb.connect()) as database:
        try:
            database.execute("SELECT 1 FROM parquet_file_metadata(?)", [str(path)])
        except duckdb.Error:  # cut off or damaged
            return False
    return True


def _write(records: Path, path: Path) -> bool:
    """Write all records, whole or not at all. False where a line is none, or the disk is full."""
    import duckdb

    making = path.with_suffix(f".{os.getpid()}.part")
    place = str(making).replace("'", "''")
    rows = f"(SELECT * EXCLUDE (schema, file_index) FROM {json_rows(_COLUMNS)})"  # noqa: S608 - names of the lab's own
    try:
        with closing(duckdb.connect(config={"threads": 2})) as database:
            database.execute("SET enable_progress_bar = false")
            done = database.execute(
                f"COPY {rows} TO '{place}' (FORMAT parquet, COMPRESSION zstd)", [[str(records)]]
            )
            written = done.fetchall()[0][0]
        if written != lines(records):
            return False
        making.replace(path)
    except duckdb.Error:
        return False
    finally:
        making.unlink(missing_ok=True)
    return True


def lines(path: Path) -> int:
    """How many lines a file has that end."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_LINES_AT_ONCE), b""))


def _forget(folder: Path, kept: Path) -> None:
    """Drop what was made of this run's earlier records, and of runs that are gone."""
    for old in folder.glob("*.parquet"):
        run = old.name.rsplit(".", 2)[0]
        mine = run == kept.name.rsplit(".", 2)[0]
        if (mine and old != kept) or not (folder.parent.parent / run).is_dir():
            old.unlink(missing_ok=True)
