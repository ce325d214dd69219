"""Any field of a record as row, column or table: medians, their intervals, and verdicts.

A cell that mixes builds differing in something not shown has a footnote that names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.results import columns, stats
from lab.results.columns import parts
from lab.results.pivot import fields as pivot_fields
from lab.results.pivot import verdicts
from lab.results.pivot.fields import CELL, HIDDEN, METRICS, STEP, unknown
from lab.results.pivot.figures import Figures, Key, figures
from lab.results.pivot.verdicts import Verdicts
from lab.results.stats import Comparison, Summary

FIRST = ""  # as a baseline: the first column


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
    rows, cols, table = (
        tuple(pivot_fields.EARLIER.get(name, name) for name in names)
        for names in (rows, cols, table)
    )
    asked = [*rows, *cols, *table]
    steps = metric == "duration" or any(name in STEP for name in asked)
    metric = metric or ("duration" if steps else "wall")
    if metric not in METRICS:
        raise unknown("metric", metric, list(METRICS))
    fields = parts.read(pivot_fields.parts(asked, METRICS[metric], steps=steps))
    with columns.opened(heads, fields) as records:
        passed_over = _passed_over(records, with_degraded)
        found = figures(
            records,
            heads,
            rows=rows,
            cols=cols,
            table=table,
            metric=METRICS[metric],
            steps=steps,
            with_degraded=with_degraded,
        )
        names = list(dict.fromkeys(place.key[2] for place in found.places))
        if baseline == FIRST:
            baseline = names[0] if names else None
        if baseline is not None and baseline not in names:
            raise unknown(f"column of {', '.join(cols)}", baseline, names)
        judged = Verdicts({})
        if baseline is not None:
            asked_of = verdicts.asked_of([run for run, _ in heads])
            judged = verdicts.verdicts(found, baseline, asked_of)
        hidden = [*HIDDEN, *(found.axes if CELL not in asked else ())]
        marks = found.mixed([name for name in hidden if name not in asked])
        tables, texts = _cells(found, judged.comparisons, marks)
        return Pivot(
            metric=metric,
            unit=METRICS[metric].unit,
            rows=rows,
            cols=cols,
            tables=tables,
            columns=tuple(names),
            baseline=baseline,
            footnotes=texts,
            notes=(*records.notes, *passed_over, *judged.notes),
        )


def _cells(
    found: Figures, compared: Mapping[Key, Comparison], mixed: Mapping[Key, tuple[str, ...]]
) -> tuple[dict[str, dict[str, dict[str, Cell]]], tuple[str, ...]]:
    texts = tuple(dict.fromkeys(text for found in mixed.values() for text in found))
    tables: dict[str, dict[str, dict[str, Cell]]] = {}
    for place in found.places:
        summary = stats.summary(found.values(place))
        if summary is None:
            continue
        tab, row, col = place.key
        tables.setdefault(tab, {}).setdefault(row, {})[col] = Cell(
            values=summary,
            versus=compared.get(place.key),
            marks=tuple(texts.index(text) + 1 for text in mixed.get(place.key, ())),
        )
    return tables, texts


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
