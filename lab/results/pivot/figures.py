"""The figures of a pivot, sorted into the places of its table: by DuckDB, in columns of numbers.

A figure keeps no text of its place, only its number: what places are called is kept once for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.model.record import Run
from lab.results import columns
from lab.results.pivot import fields as pivot_fields
from lab.results.pivot.fields import BUILD, CELL, STEP, Metric

DELIMITER = " | "
Key = tuple[str, str, str]  # table, row, column


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the table, and where its figures lie among all of them."""

    key: Key
    begin: int
    end: int


@dataclass(frozen=True)
class Figures:
    """Every figure by its place; places in the order in which the records name them first."""

    records: columns.Records
    axes: tuple[str, ...]
    places: tuple[Place, ...]

    @cached_property
    def _values(self) -> Any:
        ordered = "SELECT value FROM flat JOIN spots USING (spot) ORDER BY place, value"
        return self.records.arrays(ordered)[0]

    def values(self, place: Place) -> list[float]:
        """The figures of a place, sorted."""
        found: list[float] = self._values[place.begin : place.end].tolist()
        return found

    def pairs(self, baseline: str) -> Iterator[tuple[Key, list[tuple[float, float]]]]:
        """Each place's figures with those of its row's baseline column that they pair with.

        In the order of the records; places that share nothing with the baseline are left out.
        """
        at, these, others = self.records.arrays(_PAIRS, [baseline, baseline])
        begin = 0
        while begin < len(at):
            end = int(at.searchsorted(at[begin], side="right"))
            pairs = zip(these[begin:end].tolist(), others[begin:end].tolist(), strict=True)
            yield self.places[at[begin]].key, list(pairs)
            begin = end

    def mixed(self, hidden: Sequence[str]) -> dict[Key, tuple[str, ...]]:
        """What each place mixes unseen, of the fields ``hidden``."""
        if not hidden:
            return {}
        fields = [pivot_fields.sql(name, self.axes) for name in hidden]
        lists = ", ".join(f"list_sort(list(DISTINCT {sql}))" for sql in fields)
        made = {}
        for place, *values in self.records.rows(
            f"SELECT place, {lists} FROM spots JOIN kinds USING (kind) "  # noqa: S608 - fields of lab.results.pivot.fields
            "GROUP BY place ORDER BY place"
        ):
            texts = tuple(
                f"mixes builds that differ in {name}: {', '.join(map(str, kinds))}"
                for name, kinds in zip(hidden, values, strict=True)
                if len(kinds) > 1
            )
            if texts:
                made[self.places[place].key] = texts
        return made


# Figures that share a pair and a column are of one round's several builds: their mean stands.
_PAIRS = (
    "WITH one AS (SELECT place, of_row, pair, avg(value) AS value, min(flat.rowid) AS first "
    "FROM flat JOIN spots USING (spot) WHERE col <> ? GROUP BY ALL), "
    "base AS (SELECT of_row, pair, avg(value) AS value "
    "FROM flat JOIN spots USING (spot) WHERE col = ? GROUP BY ALL) "
    "SELECT place, one.value, base.value AS other FROM one JOIN base USING (of_row, pair) "
    "ORDER BY place, first"
)


def figures(
    records: columns.Records,
    heads: Sequence[tuple[Run, Path]],
    *,
    rows: Sequence[str],
    cols: Sequence[str],
    table: Sequence[str],
    metric: Metric,
    steps: bool,
    with_degraded: bool,
) -> Figures:
    """Sort the figures of the builds into a table, and let go of the builds."""
    axes = pivot_fields.axes_of(records)
    shown = {name: pivot_fields.sql(name, axes) for name in (*rows, *cols, *table)}
    pivot_fields.kinds(records, heads, axes)
    own = [sql for name, sql in shown.items() if not pivot_fields.of_kind(name, axes)]
    _flat(records, own, _pair(cols, axes, steps=steps), metric, steps, with_degraded)
    texts = dict(zip(own, (f"f{at}" for at in range(len(own))), strict=True))

    def key(names: Sequence[str]) -> str:
        fields = [texts.get(shown[name], shown[name]) for name in names]
        parts = [f"coalesce(CAST({sql} AS VARCHAR), '-')" for sql in fields]
        return f"concat_ws('{DELIMITER}', {', '.join(parts)})" if parts else "''"

    return Figures(records, tuple(axes), _places(records, [key(table), key(rows), key(cols)]))


def _pair(cols: Sequence[str], axes: Sequence[str], *, steps: bool) -> str:
    """What pairs figures of one row.

    A pair is of one run, for only a run's own rounds were taken in turn, and shares everything
    else that is no column: axes, round, phase and the step's place.
    """
    alike = [BUILD["run"], *(["phase"] if "phase" not in cols else []), BUILD["round"]]
    if CELL not in cols:
        alike += [pivot_fields.sql(name, axes) for name in axes if name not in cols]
    return f"hash({', '.join([*alike, *([STEP['step_index']] if steps else [])])})"


def _flat(
    records: columns.Records,
    own: Sequence[str],
    pair: str,
    metric: Metric,
    steps: bool,
    with_degraded: bool,
) -> None:
    """One line for each figure: its spot and what pairs it. ``own`` are the fields of builds and
    steps that tell spots apart, beside the kind of the build."""
    fit = "" if with_degraded else "AND (fit IS NULL OR fit = 'fit')"
    more = ", unnest(steps) AS step" if steps else ""
    spot = f"hash({', '.join(['kind', *own])})"
    source = (
        f"FROM (SELECT * EXCLUDE (cell{', steps' if steps else ''}), {pivot_fields.KIND} AS kind"  # noqa: S608 - fields of lab.results.pivot.fields
        f"{more} FROM builds WHERE {columns.MEASURED_BUILDS} {fit}) JOIN kinds USING (kind)"
    )
    records.database.execute(
        f"CREATE TABLE flat AS SELECT {spot} AS spot, {pair} AS pair, "
        f"CAST({metric.sql} AS DOUBLE) AS value {source} WHERE value IS NOT NULL "
        f"ORDER BY nth{', ' + STEP['step_index'] if steps else ''}"  # a join keeps no order
    )
    kept = "".join(f", any_value({sql}) AS f{at}" for at, sql in enumerate(own))
    records.database.execute(
        f"CREATE TABLE known AS SELECT {spot} AS spot, any_value(kind) AS kind{kept} {source} "
        "GROUP BY 1"
    )
    records.forget()


def _places(records: columns.Records, keys: Sequence[str]) -> tuple[Place, ...]:
    """Number the places, and say of every spot which one it is of."""
    tab, row, col = keys
    records.database.execute(
        "CREATE TABLE spots AS SELECT *, dense_rank() OVER (ORDER BY least) - 1 AS place, "  # noqa: S608 - fields of lab.results.pivot.fields
        "dense_rank() OVER (ORDER BY tab, row_) AS of_row FROM (SELECT *, "
        "min(first) OVER (PARTITION BY tab, row_, col) AS least FROM "
        f"(SELECT spot, kind, {tab} AS tab, {row} AS row_, {col} AS col, first, count FROM known "
        "JOIN kinds USING (kind) JOIN (SELECT spot, min(rowid) AS first, count(*) AS count "
        "FROM flat GROUP BY spot) USING (spot)))"
    )
    made, begin = [], 0
    for tab, row, col, count in records.rows(
        "SELECT any_value(tab), any_value(row_), any_value(col), sum(count) FROM spots "
        "GROUP BY place ORDER BY place"
    ):
        made.append(Place((tab, row, col), begin, begin + int(count)))
        begin += int(count)
    return tuple(made)
