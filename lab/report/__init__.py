"""A run as a sheet of plain strings, which each renderer puts in its own clothes.

What comes from scenarios, Dockerfiles and logs is cleaned here once; escaping for a format is the
renderer's part.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import compare, units
from lab.record import Build, EngineFacts, Run
from lab.report.words import TIMES, clean, one_line, outcomes, percent, ratio, spread
from lab.stats import Summary
from lab.table import Group, Measure, PhaseRows, Table

if TYPE_CHECKING:
    from lab.runs import StoredRun

SHOWN_FAILURES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of strings. ``marked`` are the rows that deserve the reader's eye."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetGroup:
    """The cells alike in all but the columns: phases, where their time went, and their steps."""

    title: str
    phases: Grid
    times: Grid
    steps: tuple[tuple[str, Grid], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A build that failed, and how to see it fail again."""

    title: str
    message: str
    log_tail: str
    replay: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that a report says."""

    title: str
    status: str
    facts: tuple[tuple[str, str], ...]
    groups: tuple[SheetGroup, ...]
    broken: tuple[str, ...]
    failures: tuple[Failure, ...]
    footnotes: tuple[str, ...]
    repeat: tuple[str, ...]


def of_run(stored: StoredRun) -> Sheet:
    """The report of one run, along the axis it is about."""
    axis = compare.main_axis(stored.builds)
    columns = compare.values(stored.builds, axis)
    table = compare.table(stored.builds, axis=axis, columns=columns)
    return sheet(table, stored.builds, [stored.run], notes=stored.notes)


def write(stored: StoredRun) -> tuple[Path, Path]:
    """Write report.md and report.html into the run's folder."""
    from lab.disk import write as write_file
    from lab.report import html, markdown

    made = of_run(stored)
    return (
        write_file(stored.folder, "report.md", markdown.render(made)),
        write_file(stored.folder, "report.html", html.render(made, stored.builds)),
    )


def sheet(
    table: Table, builds: Sequence[Build], runs: Sequence[Run], notes: Sequence[str] = ()
) -> Sheet:
    """The report of a comparison, which may span several runs."""
    failed = [b for b in builds if b.status in {"failed", "engine-lost"}]
    footnotes = [note.text for note in table.footnotes] + list(notes)
    if len(failed) > SHOWN_FAILURES:
        footnotes.append(f"{len(failed) - SHOWN_FAILURES} more failed builds are in builds.jsonl")
    return Sheet(
        title=" and ".join(one_line(name) for name in dict.fromkeys(r.scenario.name for r in runs)),
        status=", ".join(_status(run) for run in runs),
        facts=tuple((name, one_line(text, 300)) for name, text in _facts(table, builds, runs)),
        groups=tuple(_group(group, table) for group in table.groups),
        broken=tuple(one_line(text, 300) for run in runs for text in run.broken),
        failures=tuple(_failure(build) for build in failed[:SHOWN_FAILURES]),
        footnotes=tuple(one_line(text, 500) for text in footnotes),
        repeat=tuple(one_line(_repeat(run), 500) for run in runs),
    )


def _status(run: Run) -> str:
    return f"{run.status}: {one_line(run.reason)}" if run.reason else run.status


def _facts(table: Table, builds: Sequence[Build], runs: Sequence[Run]) -> list[tuple[str, str]]:
    versus = f", ratios to {table.baseline}" if table.baseline else ""
    found = [("compared", f"{table.axis}: {', '.join(table.columns)}{versus}")]
    rounds = len({build.round for build in builds})
    measured = sum(build.status == "ok" for build in builds)
    found.append(("builds", f"{measured} measured of {len(builds)} planned, rounds: {rounds}"))
    for run in runs:
        host = run.host
        found.append(("run", f"{run.id}, seed {run.seed}, started {run.started}"))
        parts = [
            f"{host.cpus} {TIMES} {host.cpu_model}" if host.cpus else host.cpu_model,
            units.size(host.memory_bytes) if host.memory_bytes else None,
            f"kernel {host.kernel}" if host.kernel else None,
            f"glibc {host.glibc}" if host.glibc else None,
            f"cgroup {host.cgroup}" if host.cgroup else None,
            host.filesystem,
        ]
        found.append(("host", ", ".join(part for part in parts if part) or units.MISSING))
        found += [("engine", _engine(engine)) for engine in run.engines]
        found += [("base", _base(base)) for base in run.bases]
    return found


def _base(base: Mapping[str, Any]) -> str:
    if base.get("origin") == "registry":  # the engine pulls it: the lab never has its files
        return f"{base.get('name')}: {base.get('ref')}, glibc not read (in a registry)"
    glibc = base.get("glibc") or "none found in it"
    go = f", Go {base['go']}" if base.get("go") else ""
    digest = str(base.get("digest") or "").removeprefix("sha256:")[:12]
    return f"{base.get('name')}: glibc {glibc}{go} {digest}".rstrip()


def _engine(engine: EngineFacts) -> str:
    where = "private to the lab" if engine.private else engine.endpoint
    return (
        f"{engine.name} {engine.version} (API {engine.api}, {engine.builder}), "
        f"storage {engine.storage}, {where}"
    )


def _group(group: Group, table: Table) -> SheetGroup:
    steps = [(one_line(rows.phase), _steps(rows, table)) for rows in group.phases]
    return SheetGroup(
        title=one_line(compare.cell_words(group.cell)) or "all cells",
        phases=_phases(group, table),
        times=_times(group, table),
        steps=tuple((phase, grid) for phase, grid in steps if grid.rows),
    )


def _rows(group: Group) -> list[tuple[str, Measure]]:
    return [
        (rows.phase, measure)
        for rows in group.phases
        for measure in rows.measures
        if measure.count or measure.failed  # a skipped cell has its footnote, not a row of dashes
    ]


def _phases(group: Group, table: Table) -> Grid:
    head = ("phase", table.axis, "wall", "hit rate", "time saved", "image")
    ratios = table.baseline is not None
    rows = []
    for phase, m in _rows(group):
        row = [one_line(phase, 40), one_line(m.column, 40), _wall(m)]
        row += [spread(found, percent) for found in (m.hit_rate, m.saved)]
        row.append(spread(m.image_bytes, lambda size: units.size(round(size))))
        if ratios:
            own = m.column == table.baseline
            row.append("baseline" if own else ratio(m.ratio, m.verdict))
        rows.append(tuple(row))
    return Grid(head=(*head, "ratio") if ratios else head, rows=tuple(rows))


def _wall(measure: Measure) -> str:
    said = spread(measure.wall, units.seconds)
    return f"{said}, {measure.failed} failed" if measure.failed else said


def _times(group: Group, table: Table) -> Grid:
    marks = list(dict.fromkeys(mark for _, m in _rows(group) for mark in m.marks))
    rows = []
    for phase, m in _rows(group):
        found: list[Summary | None] = [m.critical, m.steps, m.unattributed]
        found += [m.marks.get(mark) for mark in marks]
        cells = [spread(one, units.seconds) for one in found]
        rows.append((one_line(phase, 40), one_line(m.column, 40), *cells))
    head = ("phase", table.axis, "critical path", "sum of steps", "unattributed")
    return Grid(head=(*head, *(one_line(mark, 40) for mark in marks)), rows=tuple(rows))


def _steps(rows: PhaseRows, table: Table) -> Grid:
    shown = [row for row in rows.steps if any(row.outcomes)]
    lines = []
    for row in shown:
        cells = []
        for counts, duration in zip(row.outcomes, row.durations, strict=True):
            said = outcomes(counts)
            known = counts and duration is not None and set(counts) != {"skipped"}
            cells.append(f"{said}: {spread(duration, units.seconds)}" if known else said)
        text = one_line(row.instruction, 72) + (" [varies by round]" if row.varies else "")
        lines.append((one_line(row.stage, 24), text, *cells, "differs" if row.differs else ""))
    return Grid(
        head=("stage", "instruction", *(one_line(name, 40) for name in table.columns), ""),
        rows=tuple(lines),
        marked=frozenset(place for place, row in enumerate(shown) if row.differs),
    )


def _failure(build: Build) -> Failure:
    at = f"{compare.cell_words(build.cell)}, round {build.round}, {build.phase}"
    return Failure(
        title=one_line(at, 200),
        message=one_line(build.reason or "no reason given", 500),
        log_tail=clean(build.log_tail or "").strip("\n"),
        replay=one_line(build.replay or "", 1000),
    )


def _repeat(run: Run) -> str:
    if run.scenario.path is None:
        return f"the scenario's text is in {run.id}/run.json; seed {run.seed}"
    return shlex.join(["lab", "run", run.scenario.path, "--seed", str(run.seed)])
