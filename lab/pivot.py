"""Any field of a record as row, column or table: medians, their intervals, and verdicts.

A cell that mixes builds differing in something not shown has a footnote that names it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import columns, pivot_verdicts, stats
from lab.errors import InputError
from lab.pivot_verdicts import Key
from lab.record import Run
from lab.stats import Comparison, Summary

CELL = "cell"  # all axes together
FIRST = ""  # as a baseline: the first column
DELIMITER = " | "
# What a pivot can show in its cells: the field's SQL, and what it counts in.
METRICS: Mapping[str, tuple[str, str]] = {
    "wall": ("wall_s", "seconds"),
    "cpu": ("cpu_s", "seconds"),
    "critical_path": ("critical_path_s", "seconds"),
    "unattributed": ("unattributed_s", "seconds"),
    "hit_rate": ("cache.hits / nullif(cache.hits + cache.misses, 0)", "share"),
    "image_size": ("image.size_bytes", "bytes"),
    "peak_memory": ("peak_memory_bytes", "bytes"),
    "duration": ("step.duration_s", "seconds"),
}
SQL_FIELDS = {
    "wall_s": "DOUBLE",
    "cpu_s": "DOUBLE",
    "critical_path_s": "DOUBLE",
    "unattributed_s": "DOUBLE",
    "peak_memory_bytes": "DOUBLE",
    "cache": "STRUCT(hits DOUBLE, misses DOUBLE)",
    "image": "STRUCT(size_bytes DOUBLE, id VARCHAR, layers BIGINT)",
}
_BUILD = {
    "run": "kinds.of_run",
    "phase": "phase",
    "round": '"round"',
    "status": "status",
    "fit": "fit",
    "started": "started",
    "id": "id",
    "image.id": "image.id",
    "image.layers": "image.layers",
    "image.size_bytes": "image.size_bytes",
    "cache.hits": "cache.hits",
    "cache.misses": "cache.misses",
}
_STEP = {
    "step": "step.instruction",
    "stage": "step.stage",
    "outcome": "step.outcome",
    "step_index": 'step."index"',
}
_HEAD = (
    "scenario",
    "seed",
    "lab",
    "kernel",
    "glibc",
    "cpu_model",
    "cpus",
    "memory_bytes",
    "cgroup",
    "filesystem",
    "engine_version",
    "engine_builder",
    "engine_storage",
    "base_digest",
)
# What must not differ unseen inside a cell: these, and every axis.
HIDDEN = ("kernel", "cpu_model", "cpus", "engine_version", "engine_storage", "base_digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One place of the table. ``versus`` is its comparison with the baseline of its row."""

    values: Summary
    versus: Comparison | None = None
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pivot:
    """Tables of cells: table -> row -> column -> cell. ``footnotes`` are numbered from 1."""

    metric: str
    unit: str
    rows: tuple[str, ...]
    cols: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Mapping[str, Cell]]]
    columns: tuple[str, ...]
    baseline: str | None
    footnotes: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def pivot(
    folders: Sequence[Path],
    *,
    rows: Sequence[str],
    cols: Sequence[str],
    table: Sequence[str] = (),
    baseline: str | None = None,
    metric: str | None = None,
    with_degraded: bool = False,
) -> Pivot:
    """Read the builds of runs into a table. Raises InputError for what they do not have."""
    heads = columns.heads(folders)
    asked = [*rows, *cols, *table]
    steps = metric == "duration" or any(name in _STEP for name in asked)
    metric = metric or ("duration" if steps else "wall")
    if metric not in METRICS:
        raise _unknown("metric", metric, list(METRICS))
    fields = {**SQL_FIELDS, **({"steps": columns.STEPS} if steps else {})}
    with columns.opened(heads, fields) as records:
        axes = [
            str(name)
            for (name,) in records.rows(
                "SELECT DISTINCT unnest(map_keys(cell)) FROM builds ORDER BY 1"
            )
        ]
        _kinds(records, heads, axes)
        shown = {name: _sql(name, axes) for name in asked}
        _flat(records, (shown, rows, cols, table), axes, metric, steps, with_degraded)
        names = [str(name) for (name,) in records.rows(_COLUMNS)]
        if baseline == FIRST:
            baseline = names[0] if names else None
        if baseline is not None and baseline not in names:
            raise _unknown(f"column of {', '.join(cols)}", baseline, names)
        hidden = [*HIDDEN, *(axes if CELL not in asked else ())]
        hidden = [name for name in hidden if name not in asked]
        asked_of = pivot_verdicts.asked_of([run for run, _ in heads])
        told = (
            pivot_verdicts.Told({})
            if baseline is None
            else pivot_verdicts.told(records, baseline, asked_of)
        )
        tables, marks = _cells(
            records, told.comparisons, {name: _sql(name, axes) for name in hidden}
        )
        return Pivot(
            metric=metric,
            unit=METRICS[metric][1],
            rows=tuple(rows),
            cols=tuple(cols),
            tables=tables,
            columns=tuple(names),
            baseline=baseline,
            footnotes=tuple(marks),
            notes=(*records.notes, *_passed_over(records, with_degraded), *told.notes),
        )


_COLUMNS = "SELECT col FROM flat GROUP BY col ORDER BY min(rowid)"


def _unknown(what: str, name: str, known: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, known, n=1)
    mean = f"; did you mean {near[0]!r}?" if near else ""
    return InputError(f"no {what} is named {name!r}{mean}", remedy=f"one of: {', '.join(known)}")


def _sql(name: str, axes: Sequence[str]) -> str:
    """A field's SQL: one of the build, of a step, of the run's head, or an axis."""
    if name in axes:
        return f"kinds.a{axes.index(name)}"
    if name in _HEAD:
        return f"kinds.{name}"
    if name == CELL:
        parts = [f"'{_quoted(axis)}=' || kinds.a{at}" for at, axis in enumerate(axes)]
        return f"concat_ws(' ', {', '.join(parts)})"
    found = _BUILD.get(name) or _STEP.get(name)
    if found is None:
        raise _unknown("field", name, [*axes, *_BUILD, *_STEP, *_HEAD])
    return found


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _kinds(
    records: columns.Records, heads: Sequence[tuple[Run, Path]], axes: Sequence[str]
) -> None:
    """Every run's every cell, with its axes and what the run's head says of its engine and base.

    There are few of them: whatever is the same for all builds of one is kept once.
    """
    runs = {run.id: run for run, _ in heads}
    names = [f"a{at}" for at in range(len(axes))] + list(_HEAD)
    kinds = ", ".join(f"{name} VARCHAR" for name in names)
    records.database.execute(f"CREATE TABLE kinds (kind UBIGINT, of_run VARCHAR, {kinds})")
    for kind, name, cell in records.rows(f"SELECT DISTINCT {_KIND}, run, cell FROM builds"):  # noqa: S608 - a constant
        values = [cell.get(axis) for axis in axes]
        values += [None if one is None else str(one) for one in _head(runs[name], cell)]
        marks = ", ".join("?" for _ in range(len(values) + 2))
        records.database.execute(f"INSERT INTO kinds VALUES ({marks})", [kind, name, *values])  # noqa: S608 - only marks


_KIND = "hash(run, CAST(cell AS VARCHAR))"


def _head(run: Run, cell: Mapping[str, str]) -> tuple[object, ...]:
    """What a run's head says of a cell, in the order of _HEAD."""
    engine = next((one for one in run.engines if one.name == cell.get("engine")), None)
    base = next((one for one in run.bases if one.get("name") == cell.get("base")), {})
    host = engine.host if engine is not None and engine.host.kernel else run.host
    return (
        run.scenario.name,
        run.seed,
        run.lab,
        host.kernel,
        host.glibc,
        host.cpu_model,
        host.cpus,
        host.memory_bytes,
        host.cgroup,
        host.filesystem,
        engine.version if engine else None,
        engine.builder if engine else None,
        engine.storage if engine else None,
        base.get("digest"),
    )


def _flat(
    records: columns.Records,
    asked: tuple[Mapping[str, str], Sequence[str], Sequence[str], Sequence[str]],
    axes: Sequence[str],
    metric: str,
    steps: bool,
    with_degraded: bool,
) -> None:
    """One line for each figure: its place in the table, its kind, and what pairs it."""
    shown, rows, cols, table = asked

    def key(names: Sequence[str]) -> str:
        parts = [f"coalesce(CAST({shown[name]} AS VARCHAR), '-')" for name in names]
        return f"concat_ws('{DELIMITER}', {', '.join(parts)})" if parts else "''"

    # A pair is of one run, for only a run's own rounds were taken in turn, and shares everything
    # else that is no column: axes, round, phase and the step's place.
    pairs = ['"round"', _BUILD["run"], *(["phase"] if "phase" not in cols else [])]
    pairs += [_sql(name, axes) for name in axes if name not in cols and CELL not in cols]
    pairs += ['step."index"'] if steps else []
    fit = "" if with_degraded else "AND (fit IS NULL OR fit = 'fit')"
    more = ", unnest(steps) AS step" if steps else ""
    records.database.execute(
        f"CREATE TABLE flat AS SELECT {key(table)} AS tab, {key(rows)} AS row_, "  # noqa: S608 - fields of this module
        f"{key(cols)} AS col, kind, hash({', '.join(pairs)}) AS pair, "
        f"CAST({METRICS[metric][0]} AS DOUBLE) AS value "
        f"FROM (SELECT * EXCLUDE (cell{', steps' if steps else ''}), {_KIND} AS of_kind{more} "
        f"FROM builds WHERE {columns.COUNTED} {fit}) JOIN kinds ON kind = of_kind "
        "WHERE value IS NOT NULL"
    )


def _cells(
    records: columns.Records, compared: Mapping[Key, Comparison], hidden: Mapping[str, str]
) -> tuple[dict[str, dict[str, dict[str, Cell]]], list[str]]:
    found = records.rows(
        "SELECT tab, row_, col, list(value) FROM flat GROUP BY ALL ORDER BY min(rowid)"
    )
    marks = _mixed(records, hidden)
    texts = list(dict.fromkeys(text for told in marks.values() for text in told))
    tables: dict[str, dict[str, dict[str, Cell]]] = {}
    for tab, row, col, values in found:
        summary = stats.summary(values)
        if summary is None:
            continue
        tables.setdefault(tab, {}).setdefault(row, {})[col] = Cell(
            values=summary,
            versus=compared.get((tab, row, col)),
            marks=tuple(texts.index(text) + 1 for text in marks.get((tab, row, col), ())),
        )
    return tables, texts


def _mixed(records: columns.Records, hidden: Mapping[str, str]) -> dict[Key, tuple[str, ...]]:
    """What each cell mixes unseen: ``hidden`` are fields and their SQL."""
    if not hidden:
        return {}
    lists = ", ".join(f"list_sort(list(DISTINCT {sql}))" for sql in hidden.values())
    made = {}
    for tab, row, col, *values in records.rows(
        f"SELECT tab, row_, col, {lists} FROM (SELECT DISTINCT tab, row_, col, kind FROM flat) "  # noqa: S608 - fields of this module
        "AS one JOIN kinds ON one.kind = kinds.kind GROUP BY ALL"
    ):
        told = tuple(
            f"mixes builds that differ in {name}: {', '.join(map(str, kinds))}"
            for name, kinds in zip(hidden, values, strict=True)
            if len(kinds) > 1
        )
        if told:
            made[(tab, row, col)] = told
    return made


def _passed_over(records: columns.Records, with_degraded: bool) -> list[str]:
    """Builds that are in no cell."""
    disturbed = "" if with_degraded else "OR coalesce(fit, 'fit') <> 'fit'"
    found = records.rows(
        "SELECT status, coalesce(split_part(fit, ':', 1), 'fit'), count(*) FROM builds "  # noqa: S608 - constants
        f"WHERE NOT coalesce(warm_up, false) AND (status <> 'ok' {disturbed}) "
        "GROUP BY ALL ORDER BY ALL"
    )
    return [
        f"not in the table, {status if status != 'ok' else fit} builds: {count}"
        for status, fit, count in found
    ]
