"""What a pivot can be asked for: the fields of records, of steps and of runs' heads, as SQL."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError
from lab.model.record import Run
from lab.results import columns
from lab.results.columns.parts import TYPES

CELL = "cell"  # all axes together


@dataclass(frozen=True, slots=True)
class Metric:
    """What a pivot can show in its cells: its SQL, what it counts in, and the parts it is of."""

    sql: str
    unit: str
    parts: tuple[str, ...]


METRICS: Mapping[str, Metric] = {
    "wall": Metric("wall_s", "seconds", ("wall_s",)),
    "cpu": Metric("cpu_s", "seconds", ("cpu_s",)),
    "critical_path": Metric("critical_path_s", "seconds", ("critical_path_s",)),
    "unattributed": Metric("unattributed_s", "seconds", ("unattributed_s",)),
    "hit_rate": Metric(
        "cache.hits / nullif(cache.hits + cache.misses, 0)",
        "share",
        ("cache.hits", "cache.misses"),
    ),
    "image_size": Metric("image.size_bytes", "bytes", ("image.size_bytes",)),
    "peak_memory": Metric("peak_memory_bytes", "bytes", ("peak_memory_bytes",)),
    "cache_import": Metric("remote.import_s", "seconds", ("remote.import_s",)),
    "cache_export": Metric("remote.export_s", "seconds", ("remote.export_s",)),
    "cache_down": Metric("remote.down_bytes", "bytes", ("remote.down_bytes",)),
    "cache_up": Metric("remote.up_bytes", "bytes", ("remote.up_bytes",)),
    "duration": Metric("step.duration_s", "seconds", ("step.duration_s",)),
}
# Fields of a build, and of its steps, by what they are called here: their SQL.
BUILD = {
    "run": "of_run",
    "phase": "phase",
    "round": '"round"',
    "status": "status",
    "fitness": "split_part(fit, ':', 1)",  # without the reason, which has figures of each build
    "started": "started",
    "id": "id",
    "image.id": "image.id",
    "image.layers": "image.layers",
    "image.size_bytes": "image.size_bytes",
    "cache.hits": "cache.hits",
    "cache.misses": "cache.misses",
}
STEP = {
    "step": "step.instruction",
    "stage": "step.stage",
    "outcome": "step.outcome",
    "step_index": 'step."index"',
}
EARLIER = {"fit": "fitness"}  # names that earlier versions had
HEAD = (
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


def unknown(what: str, name: str, known: Sequence[str]) -> InputError:
    """The error for a name that there is not, with the one that may have been meant."""
    near = difflib.get_close_matches(name, known, n=1)
    mean = f"; did you mean {near[0]!r}?" if near else ""
    return InputError(f"no {what} is named {name!r}{mean}", remedy=f"one of: {', '.join(known)}")


def parts(asked: Iterable[str], metric: Metric, *, steps: bool) -> tuple[str, ...]:
    """The parts of a record that these fields and this metric are made of."""
    named = [BUILD.get(name) or STEP.get(name) for name in asked]
    index = [STEP["step_index"]] if steps else []  # what tells a build's steps apart
    return (*metric.parts, *(one for one in named if one in TYPES), *index)


def sql(name: str, axes: Sequence[str]) -> str:
    """A field's SQL: one of the build, of a step, of the run's head, or an axis."""
    if name in axes:
        return f"kinds.a{axes.index(name)}"
    if name in HEAD:
        return f"kinds.{name}"
    if name == CELL:
        named = [f"'{_quoted(axis)}=' || kinds.a{at}" for at, axis in enumerate(axes)]
        return f"concat_ws(' ', {', '.join(named)})"
    found = BUILD.get(name) or STEP.get(name)
    if found is None:
        raise unknown("field", name, [*axes, *BUILD, *STEP, *HEAD])
    return found


def of_kind(name: str, axes: Sequence[str]) -> bool:
    """Whether all builds of one run and cell have the same value of it."""
    return name in axes or name in HEAD or name in {CELL, "run"}


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def axes_of(records: columns.Records) -> list[str]:
    """The names of the axes of all builds."""
    found = records.rows("SELECT DISTINCT unnest(map_keys(cell)) FROM builds ORDER BY 1")
    return [str(name) for (name,) in found]


KIND = "hash(run, cell)"


def kinds(records: columns.Records, heads: Sequence[tuple[Run, Path]], axes: Sequence[str]) -> None:
    """Every run's every cell, with its axes and what the run's head says of its engine and base.

    There are few of them: whatever is the same for all builds of one is kept once.
    """
    runs = {run.id: run for run, _ in heads}
    names = [f"a{at}" for at in range(len(axes))] + list(HEAD)
    listed = ", ".join(f"{name} VARCHAR" for name in names)
    records.database.execute(f"CREATE TABLE kinds (kind UBIGINT, of_run VARCHAR, {listed})")
    for kind, name, cell in records.rows(f"SELECT DISTINCT {KIND}, run, cell FROM builds"):  # noqa: S608 - a constant
        values = [cell.get(axis) for axis in axes]
        values += [None if one is None else str(one) for one in _head(runs[name], cell)]
        marks = ", ".join("?" for _ in range(len(values) + 2))
        records.database.execute(f"INSERT INTO kinds VALUES ({marks})", [kind, name, *values])  # noqa: S608 - only marks


def _head(run: Run, cell: Mapping[str, str]) -> tuple[object, ...]:
    """What a run's head says of a cell, in the order of HEAD."""
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
