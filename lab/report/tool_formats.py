"""Runs in the formats of tools that teams have: one function each, builds in and text out.

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
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.model import cell_names
from lab.model.record import Build, Run
from lab.report.formatting import clean, one_line, unrun
from lab.results.runs import StoredRun

# Name, unit of Go's benchmark format, factor to it, and the figure itself.
_FIGURES: tuple[tuple[str, str, float, Callable[[Build], float | None]], ...] = (
    ("wall_s", "ns/op", 1e9, lambda build: build.wall_s),
    ("cpu_s", "cpu-ns/op", 1e9, lambda build: build.cpu_s),
    ("peak_memory_bytes", "peak-B", 1, lambda build: build.peak_memory_bytes),
    ("image_bytes", "image-B", 1, lambda build: build.image.size_bytes if build.image else None),
    ("hit_rate", "hit-rate", 1, lambda build: build.cache.rate if build.cache else None),
    ("cache_export_s", "export-ns", 1e9, lambda b: b.remote.export_s if b.remote else None),
    ("cache_down_bytes", "down-B", 1, lambda b: b.remote.down_bytes if b.remote else None),
    ("cache_up_bytes", "up-B", 1, lambda b: b.remote.up_bytes if b.remote else None),
)
_PLAIN = ("run", "id", "phase", "round", "warm_up", "status", "reason", "fit", "started")


def benchstat(runs: Sequence[StoredRun]) -> str:
    """Go's benchmark format (https://go.dev/design/14313-benchmark-format): a line a build.

    Every axis is a key=value part of the name, so that benchstat can group by it. The last "-1"
    stands where Go writes GOMAXPROCS: benchstat takes it off, whatever a phase's name ends in.
    """
    return "".join(map(_benchmarks, runs))


def _benchmarks(stored: StoredRun) -> str:
    lines = [f"{key}: {one_line(value)}" for key, value in _config(stored.run) if value]
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


def hyperfine(runs: Sequence[StoredRun]) -> str:
    """hyperfine's --export-json: a result for each cell and phase, of several runs for each run.

    Which part of the CPU seconds was the user's and which the system's is not known: null.
    """
    results = []
    for labels, builds in (
        (((("run", one.run.id),) if len(runs) > 1 else ()) + labels, builds)
        for one in runs
        for labels, builds in _groups(one).items()
    ):
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


def as_csv(runs: Sequence[StoredRun]) -> str:
    """A line a build: what tells it apart, its axes, its figures; what is not known is empty."""
    axes = list(dict.fromkeys(axis for one in runs for build in one.builds for axis in build.cell))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [f"axis.{clean(axis)}" for axis in axes]
    writer.writerow([*_PLAIN, "commit", "branch", *named, *(one[0] for one in _FIGURES)])
    for one in runs:
        origin = (one.run.origin.commit, one.run.origin.branch)
        for build in one.builds:
            values: list[Any] = [one.run.id, *(getattr(build, name) for name in _PLAIN[1:])]
            values += [*origin, *(build.cell.get(axis) for axis in axes)]
            texts = [unrun(value) if isinstance(value, str) else value for value in values]
            writer.writerow([*texts, *(read(build) for *_, read in _FIGURES)])
    return text.getvalue()


Labels = tuple[tuple[str, str], ...]
Family = tuple[str, str, dict[Labels, float]]


def prometheus(runs: Sequence[StoredRun]) -> str:
    """Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/."""
    return "".join(f"{line}\n" for family in families(runs) for line in _gauges(*family))


def families(runs: Sequence[StoredRun]) -> list[Family]:
    """What is exported as gauges: name, help, and the values by their labels.

    Of figures the median of each cell and phase, and how many builds it is of. A series is named by
    scenario, branch, axes and phase, never by a run or a commit: each new one would be a new series
    for ever. Of several runs that have a series the one that began last gives its figures.
    """
    ordered = sorted(runs, key=lambda one: one.run.started)
    series = {
        _prometheus_labels(one.run, labels): (one.run, builds)
        for one in ordered
        for labels, builds in _groups(one).items()
    }
    found: list[Family] = []
    names = {"wall_s": "wall_seconds", "cpu_s": "cpu_seconds", "hit_rate": "hit_ratio"}
    for name, _, _, read in _FIGURES:
        gauges = {
            labels: statistics.median(values)
            for labels, (_, builds) in series.items()
            if (values := [value for build in builds if (value := read(build)) is not None])
        }
        metric = f"lab_build_{names.get(name, name)}"
        found.append((metric, "Median over the rounds of the last run.", gauges))
    counts = {labels: len(builds) for labels, (_, builds) in series.items()}
    found.append(("lab_builds", "Builds of the last run that went well.", {**counts}))
    failed: dict[Labels, float] = {}
    for one in ordered:
        of_run: dict[Labels, float] = {}
        for build in one.counted:
            labels = _prometheus_labels(one.run, _labels(build))
            of_run[labels] = of_run.get(labels, 0) + (build.status == "failed")
        failed |= of_run
    found.append(("lab_builds_failed", "Builds of the last run that failed.", failed))
    began = {
        labels: at
        for labels, (run, _) in series.items()
        if (at := _seconds(run.started)) is not None
    }
    found.append(("lab_run_start_timestamp_seconds", "When the last run began.", began))
    return found


def _gauges(name: str, said: str, values: Mapping[Labels, float]) -> list[str]:
    """A family of series; none of which nothing is known."""
    if not values:
        return []
    lines = [f"{name}{_braced(labels)} {value!r}" for labels, value in values.items()]
    return [f"# HELP {name} {said}", f"# TYPE {name} gauge", *lines]


def _braced(labels: Labels) -> str:
    escaped = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def _prometheus_labels(run: Run, labels: Sequence[tuple[str, str]]) -> Labels:
    named = {"scenario": run.scenario.name, "branch": run.origin.branch}
    named |= cell_names.chosen(dict(labels))
    parts: dict[str, str] = {}
    for name, value in named.items():
        if value is None:
            continue
        safe = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        safe = f"_{safe}" if safe[:1].isdigit() else safe
        while safe in parts:  # two axes whose names differ in nothing that may stand here
            safe += "_"
        parts[safe] = value
    return tuple(parts.items())


def _seconds(started: str) -> float | None:
    """A time of day in seconds since 1970."""
    try:
        return datetime.fromisoformat(started).timestamp()
    except ValueError:
        return None


def parquet(runs: Sequence[StoredRun], path: Path) -> None:
    """Every build's figures as a Parquet file, the cell as a map; written by DuckDB."""
    from lab.results import columns
    from lab.results.columns import parts

    fields = parts.read(parts.OF_BUILDS)
    with columns.opened([(one.run, one.folder) for one in runs], fields) as records:
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


TEXTS: Mapping[str, Callable[[Sequence[StoredRun]], str]] = {
    "benchstat": benchstat,
    "hyperfine": hyperfine,
    "csv": as_csv,
    "prometheus": prometheus,
}
