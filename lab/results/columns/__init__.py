"""Records in columns, for many builds: DuckDB reads run.json and builds.jsonl as they lie.

Only the fields that are asked for are parsed, and a long run's are kept as Parquet
(lab.results.columns.kept): builds.jsonl stays what holds, and is all that there is to keep.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.host import temporary
from lab.host.disk import disk, whole
from lab.model.errors import InputError, StoreError
from lab.model.record import Run
from lab.results.columns import kept
from lab.results.columns.parts import PARQUET_ROWS, PLAIN, json_rows, shape
from lab.results.runs import BUILDS_FILE, build, head

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEASURED_BUILDS = (
    "status = 'ok' AND NOT coalesce(warm_up, false)"  # builds that figures are made of
)


@dataclass(frozen=True, slots=True)
class Records:
    """Builds of several runs as the table ``builds``: PLAIN, ``run`` and the fields asked for.

    ``notes`` say what was passed over in reading.
    """

    database: DuckDBPyConnection
    notes: tuple[str, ...]

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The answer to a question."""
        return self.database.execute(sql, list(values)).fetchall()

    def arrays(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """The columns of an answer as NumPy arrays: of many figures, no Python object each."""
        return list(self.database.execute(sql, list(values)).fetchnumpy().values())

    def forget(self) -> None:
        """Give back the memory of the builds; what was made of them stays."""
        self.database.execute("DROP VIEW builds; DROP TABLE read")

    def save(self, sql: str, path: Path) -> None:
        """Write an answer as a Parquet file, whole or not at all."""
        import duckdb

        with temporary.folder("parquet") as folder:
            made = folder / "answer.parquet"
            try:
                self.database.sql(sql).write_parquet(str(made))
            except duckdb.IOException as error:
                raise StoreError(f"{made}: {error}", remedy="see to $TMPDIR") from error
            with whole(path, "name another file") as file, made.open("rb") as answer:
                shutil.copyfileobj(answer, file)


@contextmanager
def opened(runs: Sequence[tuple[Run, Path]], fields: dict[str, str]) -> Iterator[Records]:
    """Open the builds of runs. ``fields``: further fields of a record and their SQL types.

    Raises InputError with file and line where a record is none.
    """
    import duckdb

    columns = {**PLAIN, **fields}
    kept = ", ".join(f'"{name}"' for name in columns if name != "schema")
    with closing(duckdb.connect(config={"threads": 2, "preserve_insertion_order": True})) as found:
        found.execute("SET enable_progress_bar = false")
        found.execute("CREATE TABLE names (file UINTEGER, run VARCHAR)")
        notes: list[str] = []
        paths: list[str] = []
        for run, folder in runs:
            path = folder / BUILDS_FILE
            torn = _torn(path)
            if torn is None:
                continue
            found.execute("INSERT INTO names VALUES (?, ?)", [len(paths), run.id])
            paths.append(str(path))
            if torn:
                notes.append(f"{run.id}: the last line of {BUILDS_FILE} is torn and was dropped")
        if not paths:
            raise InputError("there are no builds in these runs", remedy="name a run that has some")
        _check(found, paths, _read(found, columns, paths))
        found.execute(
            f"CREATE VIEW builds AS SELECT {kept}, run, nth FROM {_whole(found)} "  # noqa: S608 - as above
            "JOIN names USING (file)"
        )
        yield Records(found, tuple(notes))


def _read(found: DuckDBPyConnection, columns: dict[str, str], paths: Sequence[str]) -> set[int]:
    """Fill the table ``read``, in the order of the files, and say which of them to check.

    The number of a file takes less room than its name on every line.
    """
    import duckdb

    found.execute(f"CREATE TABLE read ({shape(columns)}, file UINTEGER)")
    names = ", ".join(f'"{name}"' for name in columns if name != "schema")
    sources = [kept.of(Path(path)) for path in paths]
    unchecked: set[int] = set()
    begin = 0
    for as_they_lie, group in groupby(sources, lambda source: source is None):
        numbers = range(begin, begin + len([*group]))
        begin = numbers.stop
        insert = f"INSERT INTO read SELECT {names}, {numbers.start} + file_index FROM "  # noqa: S608 - names of checked fields
        if not as_they_lie:
            with suppress(duckdb.IOException):  # another process made them anew
                found.execute(insert + PARQUET_ROWS, [[str(sources[file]) for file in numbers]])
                continue
        found.execute(insert + json_rows(columns), [[paths[file] for file in numbers]])
        unchecked.update(numbers)
    return unchecked


def _whole(found: DuckDBPyConnection) -> str:
    """The builds and, as ``nth``, their order, which a join does not keep.

    A resumed run may tell one twice: its last record holds.
    """
    twice = found.execute("SELECT count(*) - count(DISTINCT hash(file, id)) FROM read").fetchall()[
        0
    ][0]
    if not twice:
        return "(SELECT *, rowid AS nth FROM read)"
    return (
        "(SELECT *, rowid AS nth FROM read "
        "QUALIFY row_number() OVER (PARTITION BY file, id ORDER BY rowid DESC) = 1)"
    )


def _check(found: DuckDBPyConnection, paths: Sequence[str], unchecked: set[int]) -> None:
    """A line that is no record is reported, not passed over; only a torn last one is dropped."""
    counts = dict(found.execute("SELECT file, count(*) FROM read GROUP BY 1").fetchall())
    for file in unchecked:
        path = Path(paths[file])
        with disk(path):
            lines, good = kept.lines(path), counts.get(file, 0)
        if good < lines:
            _find_mistake(path)
        elif good > lines:  # a last line without its end that reads like a record
            found.execute(
                "DELETE FROM read WHERE rowid = (SELECT max(rowid) FROM read WHERE file = ?)",
                [file],
            )


def _find_mistake(path: Path) -> None:
    with disk(path), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and line.endswith(b"\n"):
                build(line, path, number)


def _torn(path: Path) -> bool | None:
    """Whether the last line is cut off; None where there is no record at all."""
    if not path.exists():
        return None
    with disk(path), path.open("rb") as file:
        size = file.seek(0, 2)
        if not size:
            return None
        file.seek(size - 1)
        return file.read(1) != b"\n"


def heads(folders: Sequence[Path]) -> list[tuple[Run, Path]]:
    """The heads of runs. Raises InputError where one is corrupt."""
    return [(head(folder), folder) for folder in folders]
