"""Records in columns, for many builds: DuckDB reads run.json and builds.jsonl as they lie.

Nothing is copied or kept: each question reads the files again. Only the fields that are asked for
are parsed, so a hundred thousand builds take a second or two and no more memory than their figures.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lab.host.disk import disk, whole
from lab.model.errors import InputError, StoreError
from lab.model.record import BUILD_SCHEMA, Run
from lab.results.runs import BUILDS_FILE, build, head

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The columns of every question: what tells builds apart.
PLAIN = {
    "schema": "VARCHAR",
    "id": "VARCHAR",
    "cell": "MAP(VARCHAR, VARCHAR)",
    "round": "BIGINT",
    "phase": "VARCHAR",
    "status": "VARCHAR",
    "fit": "VARCHAR",
    "warm_up": "BOOLEAN",
}
LATER = {"fit", "warm_up"}  # fields that earlier records have not
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

        with TemporaryDirectory() as folder:
            made = Path(folder) / "answer.parquet"
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
    # The number of a file takes less room than its name on every line.
    needed = " AND ".join(
        [f'"{name}" IS NOT NULL' for name in PLAIN if name not in LATER] + _finite(fields)
    )
    shape = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
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
        found.execute(
            f"CREATE TABLE read AS SELECT {kept}, CAST(file_index AS UINTEGER) AS file "  # noqa: S608 - names of this module's own and of checked fields
            f"FROM read_json(?, format = 'newline_delimited', columns = {shape}, "
            f"ignore_errors = true) WHERE {needed} AND schema = ?",
            [paths, BUILD_SCHEMA],
        )
        _check(found, paths)
        found.execute(
            f"CREATE VIEW builds AS SELECT {kept}, run, nth FROM {_whole(found)} "  # noqa: S608 - as above
            "JOIN names USING (file)"
        )
        yield Records(found, tuple(notes))


def _finite(fields: dict[str, str]) -> list[str]:
    """That every figure is one: DuckDB takes NaN and 1e999 for numbers."""
    checks = [
        f'coalesce(isfinite("{name}"), true)' for name, kind in fields.items() if kind == "DOUBLE"
    ]
    if "duration_s DOUBLE" in fields.get("steps", ""):
        lasted = "list_transform(steps, lambda step: isfinite(step.duration_s))"
        checks.append(f"coalesce(list_bool_and({lasted}), true)")
    return checks


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


def _check(found: DuckDBPyConnection, paths: Sequence[str]) -> None:
    """A line that is no record is reported, not passed over; only a torn last one is dropped."""
    counts = dict(found.execute("SELECT file, count(*) FROM read GROUP BY 1").fetchall())
    for file, path in enumerate(paths):
        lines, good = _lines(Path(path)), counts.get(file, 0)
        if good < lines:
            _find_mistake(Path(path))
        elif good > lines:  # a last line without its end that reads like a record
            found.execute(
                "DELETE FROM read WHERE rowid = (SELECT max(rowid) FROM read WHERE file = ?)",
                [file],
            )


def _lines(path: Path) -> int:
    """How many lines a file has that end."""
    with disk(path), path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


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
