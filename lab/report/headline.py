"""What a comparison comes to, in sentences: the first thing that every report says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.host.monitor import fitness
from lab.model import units
from lab.model.record import Build, Run
from lab.report.formatting import one_line, ratio
from lab.results.table import Group, Measure, Table

SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The ``verdict`` in a sentence or two, the run's fitness, and the ratios as ``lines``."""

    verdict: str
    fit: str
    lines: tuple[str, ...]


def headline(table: Table, builds: Sequence[Build], runs: Sequence[Run]) -> Headline:
    """The sentences at the top."""
    return Headline(
        verdict=_verdict(table, builds, runs), fit=_fit(builds), lines=tuple(_lines(table))
    )


def _others(table: Table) -> list[tuple[Group, str, Measure]]:
    return [
        (group, rows.phase, measure)
        for group in table.groups
        for rows in group.phases
        for measure in rows.measures
        if measure.column != table.baseline and measure.count
    ]


def _verdict(table: Table, builds: Sequence[Build], runs: Sequence[Run]) -> str:
    measured = sum(build.status == "ok" for build in builds)
    if not measured:
        return "Nothing was measured."
    sentences = [_differs(table)]
    for column in table.columns:
        found = [one for _, _, one in _others(table) if one.column == column]
        if table.baseline is None or not found:
            continue
        counts = Counter(str(one.verdict) for one in found)
        said = ", ".join(f"{verdict} in {count}" for verdict, count in counts.most_common())
        phases = units.counted(len(found), "phase")
        sentences.append(f"{column} against {table.baseline}: {said} of {phases}.")
    broken = sum(len(run.broken) for run in runs)
    if broken:
        sentences.append(f"Expectations broken: {broken}.")
    elif all(map(expectations_checked, runs)) and any(map(has_expectations, runs)):
        sentences.append("Every expectation held.")
    if not any(sentences):
        sentences = [
            f"Builds measured: {measured}; there is one {table.axis}, so nothing to compare."
        ]
    return " ".join(one_line(text, 300) for text in sentences if text)


def has_expectations(run: Run) -> bool:
    """Whether its scenario says what is expected."""
    return re.search(r"(?m)^expect:", run.scenario.text) is not None


def expectations_checked(run: Run) -> bool:
    """Whether expectations were checked: a run's end does so."""
    return run.status != "partial"


def _differs(table: Table) -> str:
    if len(table.columns) < 2:
        return ""
    steps = [step for group in table.groups for rows in group.phases for step in rows.steps]
    known = [step for step in steps if sum(bool(counts) for counts in step.outcomes) > 1]
    count = sum(step.differs for step in known)
    if not known:
        return ""
    if not count:
        return f"Cache: the same outcome in all {len(known)} steps that can be compared."
    return f"Cache: {count} of {len(known)} comparable steps differ in outcome."


def _fit(builds: Sequence[Build]) -> str:
    """The run's own fitness, out of its builds'; a record without one was not watched."""
    found = fitness.of_run(build.fit for build in builds if build.status == "ok")
    return found or "not known: the machine was not watched in this run"


def _lines(table: Table) -> list[str]:
    """The ratios, the furthest from 1 first."""
    if table.baseline is None:
        return []
    rows = [row for row in _others(table) if row[2].versus is not None]
    rows.sort(key=lambda row: -_distance(row[2]))
    apart = len(table.groups) > 1
    lines = []
    for group, phase, one in rows[:SHOWN]:
        where = f", {_words(group, table)}" if apart else ""
        lines.append(one_line(f"{phase}{where}: {one.column} took {ratio(one.versus)}", 200))
    if len(rows) > SHOWN:
        lines.append(f"and {len(rows) - SHOWN} more in the table")
    return lines


def _distance(measure: Measure) -> float:
    times = measure.versus.ratio if measure.versus else 1.0
    return max(times, 1 / times)


def _words(group: Group, table: Table) -> str:
    """What sets this group apart from the others."""
    values = [
        f"{axis} {value}"
        for axis, value in group.cell.items()
        if len({other.cell.get(axis) for other in table.groups}) > 1
    ]
    return " ".join(values)
