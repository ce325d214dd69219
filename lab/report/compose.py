"""A run or several -> all that a report says of them (lab.report.model).

What comes from scenarios, Dockerfiles and logs is cleaned here once; escaping for a format is the
renderer's part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab.dockerfile.instruction_text import untimed
from lab.model import cell_names, units
from lab.model.errors import LabError
from lab.model.record import Build, Run
from lab.report import fresh_caches, ratio_words
from lab.report.chart_data import Causes, ChartData, Tile, chart_data
from lab.report.formatting import clean, one_line, outcomes, percent, spread
from lab.report.headline import expected, headline
from lab.report.line_ranking import ranking
from lab.report.model import CAUSE, Failure, Grid, Report, ReportGroup, ReportModel, Tiles
from lab.report.setting import cpu_unknown, facts, repeat
from lab.results import comparison, question
from lab.results.comparison_verdicts import asked_of
from lab.results.runs import StoredRun
from lab.results.stats import Summary
from lab.results.table import Group, Measure, PhaseRows, Table

SHOWN_FAILURES = 10
DOUBTFUL = {"skipped", "failed", "disturbed", "unpaired"}  # kinds of footnotes


def table_of(stored: StoredRun, baseline: str | None = None) -> Table:
    """The comparison that a run is about; ``baseline``: another than it was run with."""
    asked = question.of_run(stored.run, stored.builds, baseline)
    return comparison.table(
        stored.builds,
        axis=asked.axis,
        columns=asked.columns,
        baseline=asked.baseline,
        asked=asked_of(stored.run.options, stored.run.seed),
        axes=stored.run.axes,
    )


def from_run(stored: StoredRun, baseline: str | None = None) -> Report:
    """The report of one run, along the axis it is about, with the cause of each miss."""
    table = table_of(stored, baseline)
    causes, lost = _causes(stored)
    drawn = chart_data(table, stored.builds, causes)
    return Report(
        table=table,
        model=from_table(table, stored.builds, [stored.run], drawn, notes=[*stored.notes, *lost]),
        charts=drawn,
    )


def _causes(stored: StoredRun) -> tuple[Causes, tuple[str, ...]]:
    """Why each step ran, and a note where that is not known: a report needs no cache inputs."""
    from lab.caching import explain

    try:
        found = explain.causes(stored)
    except LabError as error:
        return {}, (f"the causes of misses are left out: {error.message}",)
    return {(build, at): text for build, steps in found.items() for at, text in steps.items()}, ()


def from_runs(
    stored: Mapping[str, StoredRun], baseline: str | None = None
) -> tuple[Report, tuple[Build, ...]]:
    """Several runs in one report, side by side under the names given; and all their builds."""
    builds = comparison.merge({name: one.builds for name, one in stored.items()})
    table = comparison.table(
        builds,
        axis=comparison.RUN_AXIS,
        columns=tuple(stored),
        baseline=baseline,
        axes=question.merged(one.run for one in stored.values()),
    )
    explained = {name: _causes(one) for name, one in stored.items()}
    notes = [
        f"{name}: {note}"
        for name, one in stored.items()
        for note in (*one.notes, *explained[name][1])
    ]
    # A build's id holds in its run alone; the cell's value of the axis "run" tells builds apart.
    causes = {
        (f"{name} {build}", step): text
        for name, (known, _) in explained.items()
        for (build, step), text in known.items()
    }
    named = tuple(replace(b, id=f"{b.cell[comparison.RUN_AXIS]} {b.id}") for b in builds)
    drawn = chart_data(table, named, causes)
    said = from_table(table, builds, [one.run for one in stored.values()], drawn, notes=notes)
    return Report(table=table, model=said, charts=drawn), named


def from_table(
    table: Table,
    builds: Sequence[Build],
    runs: Sequence[Run],
    drawn: ChartData | None = None,
    notes: Sequence[str] = (),
) -> ReportModel:
    """The report of a comparison, which may span several runs."""
    tiles = _by_place(drawn) if drawn else {}
    failed = [b for b in builds if b.status in {"failed", "engine-lost"}]
    said = headline(table, builds, runs)
    caches = fresh_caches.answers(builds, asked_of(runs[0].options, runs[0].seed)) if runs else ()
    if caches:  # what such a run is about comes first
        answer = " ".join(one.answer for one in caches)
        said = replace(said, answer=answer, rest=expected(runs), lines=())
    known = (("fitness", said.fit), *facts(table, builds, runs))
    return ReportModel(
        title=" and ".join(one_line(name) for name in dict.fromkeys(r.scenario.name for r in runs)),
        status=", ".join(dict.fromkeys(_status(run) for run in runs)),
        headline=said,
        facts=tuple((name, one_line(text, 300)) for name, text in known),
        groups=tuple(
            _group(group, table, place, tiles) for place, group in enumerate(table.groups)
        ),
        broken=tuple(one_line(text, 300) for run in runs for text in run.broken),
        failures=tuple(_failure(build) for build in failed[:SHOWN_FAILURES]),
        footnotes=_footnotes(table, runs, notes, unshown=len(failed) - SHOWN_FAILURES),
        repeat=tuple(one_line(repeat(run), 500) for run in runs),
        ranking=ranking(table, _apart(table)),
        caches=caches,
        doubts=tuple(one_line(note.text, 300) for note in table.footnotes if note.kind in DOUBTFUL),
        scenarios=tuple((_scenario(run, len(runs)), clean(run.scenario.text)) for run in runs),
    )


def _footnotes(
    table: Table, runs: Sequence[Run], notes: Sequence[str], unshown: int
) -> tuple[str, ...]:
    found = [note.text for note in table.footnotes] + list(notes) + cpu_unknown(runs)
    found += [text for run in runs for text in run.warnings]
    if unshown > 0:
        found.append(f"{unshown} more failed builds are in builds.jsonl")
    return tuple(one_line(text, 500) for text in found)


def _apart(table: Table) -> tuple[str, ...]:
    """The axes that groups of cells differ in."""
    axes = dict.fromkeys(axis for group in table.groups for axis in group.cell)
    return tuple(axis for axis in axes if len({g.cell.get(axis) for g in table.groups}) > 1)


def _scenario(run: Run, runs: int) -> str:
    name = one_line(run.scenario.name)
    return name if runs == 1 else f"{name} of {one_line(run.id)}"


def _status(run: Run) -> str:
    return f"{run.status}: {one_line(run.reason)}" if run.reason else run.status


def _by_place(drawn: ChartData) -> Tiles:
    found: Tiles = {}
    for tile in drawn.tiles:
        place = (tile.group, drawn.phases[tile.phase])
        found.setdefault(place, {}).setdefault(tile.order, []).append(tile)
    return found


def _group(group: Group, table: Table, place: int, tiles: Tiles) -> ReportGroup:
    steps = [
        (one_line(rows.phase), _steps(rows, table, tiles.get((place, rows.phase), {})))
        for rows in group.phases
    ]
    return ReportGroup(
        title=one_line(cell_names.full(group.cell)) or "all cells",
        cell={one_line(name, 40): one_line(value, 40) for name, value in group.cell.items()},
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
    """What counts comes first: on a narrow screen it is what can be seen."""
    ratios = table.baseline is not None
    answer = (f"against {one_line(str(table.baseline), 24)}",) if ratios else ()
    rows, keys = [], []
    for phase, m in _rows(group):
        row = [one_line(phase, 40), one_line(m.column, 40), _wall(m)]
        found = [m.wall.median if m.wall else None]
        if ratios:
            own = m.column == table.baseline
            row.append("baseline" if own else ratio_words.cell(m.versus))
            found.append(m.versus.ratio if m.versus else None)
        row += [spread(one, percent) for one in (m.hit_rate, m.saved)]
        row.append(spread(m.image_bytes, lambda size: units.size(round(size))))
        found += [one.median if one else None for one in (m.hit_rate, m.saved, m.image_bytes)]
        rows.append(tuple(row))
        keys.append((None, row[1], *found))
    return Grid(
        head=("phase", table.axis, "wall", *answer, "hit rate", "time saved", "image"),
        rows=tuple(rows),
        keys=tuple(keys),
    )


def _wall(measure: Measure) -> str:
    said = spread(measure.wall, units.seconds).rstrip()
    more = {"failed": measure.failed, "disturbed": measure.disturbed}
    return ", ".join([said, *(f"{count} {what}" for what, count in more.items() if count)])


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


def _steps(rows: PhaseRows, table: Table, tiles: Mapping[int, Sequence[Tile]]) -> Grid:
    shown = [row for row in rows.steps if any(row.outcomes)]
    why = [_why(tiles.get(order, ()), table) for order in range(len(shown))]
    # A cold build has one cause for all: a column of it would only push the others together.
    with_cause = any(why) and rows.phase != comparison.COLD
    lines = []
    for row, cause in zip(shown, why, strict=True):
        cells = []
        for counts, duration in zip(row.outcomes, row.durations, strict=True):
            said = outcomes(counts)
            known = counts and duration is not None and set(counts) != {"skipped"}
            cells.append(f"{said}: {spread(duration, units.seconds)}" if known else said)
        text = one_line(untimed(row.instruction), 72) + (" [varies by round]" if row.varies else "")
        cells += [cause] * with_cause
        lines.append((one_line(row.stage, 24), text, *cells, "differs" if row.differs else ""))
    columns = [one_line(name, 40) for name in table.columns] + [CAUSE] * with_cause
    return Grid(
        head=("stage", "instruction", *columns, ""),
        rows=tuple(lines),
        marked=frozenset(place for place, row in enumerate(shown) if row.differs),
    )


def _why(tiles: Sequence[Tile], table: Table) -> str:
    """Why a step ran: once where all columns say the same, else column by column."""
    causes = {table.columns[tile.column]: tile.cause for tile in tiles if tile.cause}
    if len(set(causes.values())) == 1 and len(causes) == len(tiles):
        return next(iter(causes.values()))
    return " | ".join(f"{one_line(name, 40)}: {text}" for name, text in causes.items())


def _failure(build: Build) -> Failure:
    at = f"{cell_names.full(build.cell)}, round {build.round}, {build.phase}"
    return Failure(
        title=one_line(at, 200),
        message=one_line(build.reason or "no reason given", 500),
        log_tail=clean(build.log_tail or "").strip("\n"),
        replay=one_line(build.replay or "", 1000),
    )
