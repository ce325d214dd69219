"""What the builds of each of many runs come to: the medians of every cell and phase.

A history of thousands of runs asks no more of each. They are kept in the index (lab.results.index),
which holds them only as long as a run's files are the ones that they were made of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from lab.model.errors import InputError
from lab.model.record import BUILD_SCHEMA
from lab.results import index, runs
from lab.results.index import BUILDS_FILE, Row, Sign

Record = Mapping[str, Any]


def _hit_rate(record: Record) -> float | None:
    cache = record.get("cache") or {}
    needed = cache.get("hits", 0) + cache.get("misses", 0)
    return cache["hits"] / needed if needed else None


# The metrics of lab.results.pivot.fields that a build has, out of a line of builds.jsonl.
METRICS: Mapping[str, Callable[[Record], Any]] = {
    "wall": lambda record: record.get("wall_s"),
    "cpu": lambda record: record.get("cpu_s"),
    "critical_path": lambda record: record.get("critical_path_s"),
    "unattributed": lambda record: record.get("unattributed_s"),
    "hit_rate": _hit_rate,
    "image_size": lambda record: (record.get("image") or {}).get("size_bytes"),
    "peak_memory": lambda record: record.get("peak_memory_bytes"),
}


Median = tuple[float, int]  # and of how many builds


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run's figures, and over all its builds that went well the hits and misses of the cache;
    ``builds`` are all of them.

    ``groups`` are its cells and phases, as JSON: most runs of a scenario have the same.
    """

    groups: str
    medians: Mapping[str, str]
    hits: int
    misses: int
    builds: int

    def of(self, metric: str) -> list[Median | None]:
        """Of each group the median of builds that went well, outside of warm-up, and were not
        disturbed; None where no such build has a figure of the metric.
        """
        found: list[Median | None] = json.loads(self.medians.get(metric, "[]"))
        return found


@lru_cache(maxsize=1024)
def groups(text: str) -> tuple[tuple[Mapping[str, str], str], ...]:
    """The cells and phases of a summary."""
    return tuple((cell, phase) for cell, phase in json.loads(text))


def summaries(
    results: Path,
    known: index.Known | None = None,
    *,
    at: Mapping[str, Sign] | None = None,
    some: bool = False,
) -> dict[str, Summary | InputError]:
    """The summary of every run of a folder, by the folder's name; the error of a corrupt one. The
    arguments are those of `lab.results.index.rows`.
    """
    found = index.rows(results, FIGURES, known, at=at, some=some)
    return {
        name: row if isinstance(row, InputError) else Summary(**row) for name, row in found.items()
    }


@dataclass(slots=True)
class _Tally:
    """A run's builds by cell and phase: of each metric the values, in the order of METRICS."""

    groups: dict[tuple[str, str], list[list[float]]] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0
    builds: int = 0

    def add(self, record: Record, values: Sequence[float | None]) -> None:
        self.builds += 1
        if record["status"] != "ok" or record.get("warm_up"):
            return
        if (cache := record.get("cache")) is not None:
            self.hits += cache["hits"]
            self.misses += cache["misses"]
        if record.get("fit") in {None, "fit"}:
            key = json.dumps(dict(sorted(record["cell"].items()))), record["phase"]
            columns = self.groups.setdefault(key, [[] for _ in METRICS])
            for column, value in zip(columns, values, strict=True):
                if value is not None:
                    column.append(value)

    def row(self) -> Row:
        found = list(self.groups.values())
        medians = {
            name: [(float(median(one[at])), len(one[at])) if one[at] else None for one in found]
            for at, name in enumerate(METRICS)
            if any(one[at] for one in found)
        }
        return {
            "groups": json.dumps([[json.loads(cell), phase] for cell, phase in self.groups]),
            "medians": {name: json.dumps(values) for name, values in medians.items()},
            "hits": self.hits,
            "misses": self.misses,
            "builds": self.builds,
        }


def _row(folder: Path) -> Row:
    """Raises InputError where a record is corrupt."""
    tally = _Tally()
    for record, values in _records(folder):
        tally.add(record, values)
    return tally.row()


def _records(folder: Path) -> list[tuple[Record, Sequence[float | None]]]:
    """The last record of each build. What is not plainly a record is for `runs.read` to judge."""
    path = folder / BUILDS_FILE
    try:
        *lines, _ = path.read_bytes().split(b"\n") if path.exists() else [b""]
        plain = {
            record["id"]: (record, values)
            for record, values in map(_plain, filter(bytes.strip, lines))
        }
        return list(plain.values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        builds = [build.to_json() for build in runs.read(folder).builds]
        return [(one, [read(one) for read in METRICS.values()]) for one in builds]


def _plain(line: bytes) -> tuple[Record, list[float | None]]:
    """A record and its figures. Raises ValueError, TypeError, LookupError or AttributeError where
    anything that is read here is not there, or of another type.
    """
    record = json.loads(line)
    words = (record["id"], record["phase"], record["status"], *record["cell"].values())
    words += () if record.get("fit") is None else (record["fit"],)
    values = [read(record) for read in METRICS.values()]
    cache = record["cache"]
    counts = () if cache is None else (cache["hits"], cache["misses"])
    if (
        record["schema"] != BUILD_SCHEMA
        or not all(type(word) is str for word in words)
        or not all(type(count) is int for count in counts)
        or not all(
            value is None or (type(value) in _NUMBERS and runs.plausible(value)) for value in values
        )
    ):
        raise ValueError("not plainly a record")
    return record, values


_NUMBERS = {int, float}
FIGURES = index.Kind(name="figures", version=2, make=_row)
