"""A run in the formats of tools that teams have: one function each, builds in and text out.

Builds that failed or were skipped are in csv and parquet, with their status, and nowhere else.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.model.record import Build, Run
from lab.results.runs import StoredRun

# Name, unit of Go's benchmark format, factor to it, and the figure itself.
_FIGURES: tuple[tuple[str, str, float, Callable[[Build], float | None]], ...] = (
    ("wall_s", "ns/op", 1e9, lambda build: build.wall_s),
    ("cpu_s", "cpu-ns/op", 1e9, lambda build: build.cpu_s),
    ("peak_memory_bytes", "peak-B", 1, lambda build: build.peak_memory_bytes),
    ("image_bytes", "image-B", 1, lambda build: build.image.size_bytes if build.image else None),
    ("hit_rate", "hit-rate", 1, lambda build: build.cache.rate if build.cache else None),
)
_PLAIN = ("run", "id", "phase", "round", "warm_up", "status", "reason", "fit", "started")


def benchstat(stored: StoredRun) -> str:
    """Go's benchmark format (https://go.dev/design/14313-benchmark-format): a line a build.

    Every axis is a key=value part of the name, so that benchstat can group by it. The last "-1"
    stands where Go writes GOMAXPROCS: benchstat takes it off, whatever a phase's name ends in.
    """
    head = stored.run
    lines = [f"{key}: {value}" for key, value in _config(head) if value]
    for build in _good(stored):
        name = "".join(f"/{_word(axis)}={_word(value)}" for axis, value in _labels(build))
        figures = [
            f"{_number(value * factor)} {unit}"
            for _, unit, factor, read in _FIGURES
            if (value := read(build)) is not None
        ]
        if figures:
            lines.append("\t".join([f"BenchmarkBuild{name}-1", "1", *figures]))
    return "\n".join([*lines, "PASS"]) + "\n"


def _config(head: Run) -> Iterator[tuple[str, str | None]]:
    yield "lab-run", _word(head.id)
    yield "scenario", _word(head.scenario.name)
    yield "kernel", head.host.kernel
    yield "cpu", head.host.cpu_model


def _word(text: str) -> str:
    """Text without what would end a word or a part of a benchmark's name."""
    return re.sub(r"[\s/=]+", "_", text) or "_"


def _number(value: float) -> str:
    return str(round(value)) if value == round(value) or value > 1e6 else f"{value:.6g}"


def hyperfine(stored: StoredRun) -> str:
    """hyperfine's --export-json: a result for each cell and phase. Which part of the CPU seconds
    was the user's and which the system's is not known: null."""
    results = []
    for labels, builds in _groups(stored).items():
        times = [build.wall_s for build in builds if build.wall_s is not None]
        if not times:
            continue
        results.append(
            {
                "command": " ".join(f"{axis}={value}" for axis, value in labels),
                "mean": statistics.fmean(times),
                "stddev": statistics.stdev(times) if len(times) > 1 else None,
                "median": statistics.median(times),
                "user": None,
                "system": None,
                "min": min(times),
                "max": max(times),
                "times": times,
                "exit_codes": [0] * len(times),
                "parameters": dict(labels),
            }
        )
    return json.dumps({"results": results}, indent=2) + "\n"


def as_csv(stored: StoredRun) -> str:
    """A line a build: what tells it apart, its axes, its figures; what is not known is empty."""
    axes = list(dict.fromkeys(axis for build in stored.builds for axis in build.cell))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_PLAIN, *(f"axis.{axis}" for axis in axes), *(one[0] for one in _FIGURES)])
    for build in stored.builds:
        values: list[Any] = [stored.run.id, *(getattr(build, name) for name in _PLAIN[1:])]
        values += [build.cell.get(axis) for axis in axes]
        writer.writerow([*values, *(read(build) for *_, read in _FIGURES)])
    return text.getvalue()


def prometheus(stored: StoredRun) -> str:
    """Prometheus' text format: the median of each cell and phase, and how many builds it is of.

    https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    groups = _groups(stored)
    lines = []
    names = {"wall_s": "wall_seconds", "cpu_s": "cpu_seconds", "hit_rate": "hit_ratio"}
    for name, _, _, read in _FIGURES:
        series = f"lab_build_{names.get(name, name)}"
        lines += [
            f"# HELP {series} Median over the rounds of a run.",
            f"# TYPE {series} gauge",
        ]
        for labels, builds in groups.items():
            values = [value for build in builds if (value := read(build)) is not None]
            if values:
                median = statistics.median(values)
                lines.append(f"{series}{_prometheus_labels(stored, labels)} {median!r}")
    lines += ["# HELP lab_builds Builds that went well.", "# TYPE lab_builds gauge"]
    lines += [
        f"lab_builds{_prometheus_labels(stored, labels)} {len(builds)}"
        for labels, builds in groups.items()
    ]
    return "\n".join(lines) + "\n"


def _prometheus_labels(stored: StoredRun, labels: Sequence[tuple[str, str]]) -> str:
    named = {"scenario": stored.run.scenario.name, "run": stored.run.id, **dict(labels)}
    parts = []
    for name, value in named.items():
        safe = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        safe = f"_{safe}" if safe[:1].isdigit() else safe
        text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        parts.append(f'{safe}="{text}"')
    return "{" + ",".join(parts) + "}"


def parquet(stored: StoredRun, path: Path) -> None:
    """Every build's figures as a Parquet file, the cell as a map; written by DuckDB."""
    from lab.results import columns
    from lab.results.pivot import fields as pivot_fields

    fields = pivot_fields.read(pivot_fields.EVERY_PART)
    with columns.opened([(stored.run, stored.folder)], fields) as records:
        records.save("SELECT * EXCLUDE (nth) FROM builds ORDER BY nth", path)


def _good(stored: StoredRun) -> list[Build]:
    return [build for build in stored.counted if build.status == "ok"]


def _labels(build: Build) -> tuple[tuple[str, str], ...]:
    return (*build.cell.items(), ("phase", build.phase))


def _groups(stored: StoredRun) -> dict[tuple[tuple[str, str], ...], list[Build]]:
    found: dict[tuple[tuple[str, str], ...], list[Build]] = {}
    for build in _good(stored):
        if build.wall_s is not None and math.isfinite(build.wall_s):
            found.setdefault(_labels(build), []).append(build)
    return found


TEXTS: Mapping[str, Callable[[StoredRun], str]] = {
    "benchstat": benchstat,
    "hyperfine": hyperfine,
    "csv": as_csv,
    "prometheus": prometheus,
}
