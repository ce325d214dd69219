"""What of a record can be read in columns, and how DuckDB is to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.model.record import BUILD_SCHEMA

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
# Further parts of a record, a step's among them.
TYPES = {
    "started": "VARCHAR",
    "wall_s": "DOUBLE",
    "cpu_s": "DOUBLE",
    "critical_path_s": "DOUBLE",
    "unattributed_s": "DOUBLE",
    "peak_memory_bytes": "DOUBLE",
    "cache.hits": "BIGINT",
    "cache.misses": "BIGINT",
    "image.size_bytes": "BIGINT",
    "image.id": "VARCHAR",
    "image.layers": "BIGINT",
    "remote.import_s": "DOUBLE",
    "remote.export_s": "DOUBLE",
    "remote.down_bytes": "DOUBLE",
    "remote.up_bytes": "DOUBLE",
    "step.instruction": "VARCHAR",
    "step.stage": "VARCHAR",
    "step.outcome": "VARCHAR",
    'step."index"': "BIGINT",
    "step.duration_s": "DOUBLE",
}
OF_BUILDS = tuple(part for part in TYPES if not part.startswith("step."))


def read(parts: Iterable[str]) -> dict[str, str]:
    """The columns that hold these parts of a record, and their SQL types: no more than is asked."""
    found: dict[str, list[str]] = {}
    for part in dict.fromkeys(parts):
        top, _, name = part.partition(".")
        kind = TYPES[part]
        found.setdefault(top, []).append(f"{name} {kind}" if name else kind)
    plain = {top: kinds[0] for top, kinds in found.items() if top in TYPES}
    nested = {top: f"STRUCT({', '.join(kinds)})" for top, kinds in found.items()}
    steps = {"steps": f"{nested['step']}[]"} if "step" in nested else {}
    return {top: plain.get(top, kind) for top, kind in nested.items() if top != "step"} | steps


PARQUET_ROWS = "(SELECT *, file_index FROM read_parquet(?))"


def shape(columns: Mapping[str, str]) -> str:
    """The columns of a table that holds what `json_rows` gives."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items() if name != "schema")


def json_rows(columns: Mapping[str, str]) -> str:
    """The SQL that reads records; its one value are the files. What is none is left out.

    ``file_index`` is the number of a record's file among them.
    """
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    needed = [f'"{name}" IS NOT NULL' for name in PLAIN if name not in LATER]
    rules = [*needed, *_finite(columns), f"schema = '{BUILD_SCHEMA}'"]
    how = f"format = 'newline_delimited', columns = {{{kinds}}}, ignore_errors = true"
    return f"(SELECT *, file_index FROM read_json(?, {how}) WHERE {' AND '.join(rules)})"  # noqa: S608 - names of this module


def _finite(columns: Mapping[str, str]) -> list[str]:
    """That every figure is one: DuckDB takes NaN and 1e999 for numbers."""
    checks = [
        f'coalesce(isfinite("{name}"), true)' for name, kind in columns.items() if kind == "DOUBLE"
    ]
    if "duration_s DOUBLE" in columns.get("steps", ""):
        lasted = "list_transform(steps, lambda step: isfinite(step.duration_s))"
        checks.append(f"coalesce(list_bool_and({lasted}), true)")
    return checks
