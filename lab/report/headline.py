"""What a comparison comes to, in sentences: the first thing that every report says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.host.monitor import fitness
from lab.model import units
from lab.model.record import Build, Run
from lab.report import ratio_words
from lab.report.formatting import one_line
from lab.results.stats import Comparison, Verdict
from lab.results.table import Group, Measure, Table, measures

SHOWN = 6  # ratios below the answer: with it they fill no more than a first screen
ANSWERS = 3  # columns that are answered in sentences; of more the table tells
DECIDED = (Verdict.SLOWER, Verdict.FASTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The ``answer`` in a sentence, the ``rest`` that there is to say, the run's fitness, and the
    other ratios as ``lines``.

    ``apart`` says that no two columns have a cell in common: nothing stands beside anything.
    ``verdicts`` are those of the comparisons that the answer tells of.
    """

    answer: str
    rest: str
    fit: str
    lines: tuple[str, ...]
    apart: bool = False
    verdicts: tuple[Verdict, ...] = ()

    @property
    def verdict(self) -> str:
        """All sentences."""
        return f"{self.answer} {self.rest}".strip()


@dataclass(frozen=True, slots=True)
class _Row:
    """One column beside the baseline, in one phase of one group."""

    where: str
    one: Measure
    versus: Comparison
    times: str
    seconds: float

    @property
    def rank(self) -> tuple[bool, bool, float, float]:
        """What is decided comes first, then what has an interval, then what costs most seconds."""
        undecided, unsure = self.versus.verdict not in DECIDED, self.versus.interval is None
        return (undecided, unsure, -self.seconds, -abs(self.versus.ratio - 1))


def headline(table: Table, builds: Sequence[Build], runs: Sequence[Run]) -> Headline:
    """The sentences at the top."""
    rows = sorted(_rows(table), key=lambda row: row.rank)
    columns = list(dict.fromkeys(row.one.column for row in rows))[:ANSWERS]
    leads = [next(row for row in rows if row.one.column == column) for column in columns]
    apart = not rows and _share_nothing(table)
    rest: list[str] = []
    measured = sum(build.status == "ok" for build in builds)
    if not measured:
        answer = "Nothing was measured."
    elif apart:
        answer = _apart(table, builds)
    elif rows:
        answer = " ".join(_answer(lead, table) for lead in leads)
        rest = [_counts(lead, rows) for lead in leads]
    else:
        answer = _no_verdict(table) or _alone(table) or f"Builds measured: {measured}."
    rest += [_differs(table) if measured and not apart else "", expected(runs)]
    return Headline(
        answer=one_line(answer, 600),
        rest=" ".join(one_line(text, 300) for text in rest if text),
        fit=_fit(builds),
        lines=tuple(_lines([row for row in rows if row not in leads], len(columns) > 1)),
        apart=apart,
        verdicts=tuple(lead.versus.verdict for lead in leads),
    )


def _rows(table: Table) -> Iterator[_Row]:
    """Every ratio."""
    for group in table.groups:
        cell = _words(group, table)
        for rows in group.phases:
            base = next((one for one in rows.measures if one.column == table.baseline), None)
            where = ratio_words.phase(one_line(rows.phase, 40)) + (f" with {cell}" if cell else "")
            for one in rows.measures:
                if one.versus is None or one is base:
                    continue
                sides = [side.wall.median if side and side.wall else None for side in (one, base)]
                mine, other = sides
                known = mine is not None and other is not None
                yield _Row(
                    where=where,
                    one=one,
                    versus=one.versus,
                    times=" against ".join(map(units.seconds, sides)) if known else "",
                    seconds=abs((mine or 0.0) - (other or 0.0)) if known else 0.0,
                )


def _answer(lead: _Row, table: Table) -> str:
    """The most telling comparison of a column as a sentence."""
    names = one_line(lead.one.column, 40), one_line(str(table.baseline), 40)
    times = f": {lead.times}" if lead.times and lead.versus.verdict in DECIDED else ""
    return f"{ratio_words.sentence(lead.versus, *names, lead.where)}{times}."


def _counts(lead: _Row, rows: Sequence[_Row]) -> str:
    """What all comparisons of a column come to."""
    counts = Counter(str(row.versus.verdict) for row in rows if row.one.column == lead.one.column)
    if counts.total() < 2:
        return ""
    said = ", ".join(
        f"{verdict} in {'all' if count == counts.total() else count}"
        for verdict, count in counts.most_common()
    )
    return f"Of {counts.total()} comparisons: {said}."


def _lines(rows: Sequence[_Row], several: bool) -> Iterator[str]:
    """The other ratios, those that cost the most seconds first."""
    for row in rows[:SHOWN]:
        who = f"{one_line(row.one.column, 40)} " if several else ""
        held = ratio_words.interval(row.versus)
        sure = f" ({held})" if held else ""
        said = ratio_words.verdict(row.versus)
        if row.versus.verdict is Verdict.UNDECIDED:
            said += f", {ratio_words.change(row.versus.ratio).removeprefix('takes ')} so far"
        times = f", {row.times}" if row.times else ""
        yield one_line(f"{who}{row.where}: {said}{sure}{times}", 200)
    if len(rows) > SHOWN:
        yield f"and {len(rows) - SHOWN} more in the table"


def _no_verdict(table: Table) -> str:
    """Of columns that the machine did not let be compared; the line of fitness says by what."""
    found = list(measures(table.groups))
    disturbed, count = sum(one.disturbed for one in found), sum(one.count for one in found)
    if table.baseline is None or not disturbed:
        return ""
    which = "all" if disturbed == count else f"{disturbed} of"
    return (
        f"No verdict: {which} {count} builds were disturbed, and such builds decide nothing; a "
        "quiet machine would let them."
    )


def _alone(table: Table) -> str:
    """What there is to say of columns without a ratio: the times of the first, in its phases."""
    for group in table.groups:
        column = next((m.column for rows in group.phases for m in rows.measures if m.wall), None)
        found = [
            f"{units.seconds(one.wall.median)} {ratio_words.phase(one_line(rows.phase, 40))}"
            for rows in group.phases
            for one in rows.measures
            if one.wall is not None and one.column == column
        ]
        if column is None:
            continue
        cell = _words(group, table)
        name = one_line(column, 40) + (f" with {cell}" if cell else "")
        more = f" and {len(found) - ANSWERS} more in the table" if len(found) > ANSWERS else ""
        alone = f" There is one {one_line(table.axis, 40)}: nothing to compare it with."
        beside = alone if len(table.columns) == 1 else ""
        return f"{name} took {', '.join(found[:ANSWERS])}{more}.{beside}"
    return ""


def _share_nothing(table: Table) -> bool:
    """Whether each group of cells has builds of one column only, though there are several."""
    sides = [
        {one.column for rows in g.phases for one in rows.measures if one.count}
        for g in table.groups
    ]
    return len(set().union(*sides)) > 1 and all(len(side) < 2 for side in sides)


def _apart(table: Table, builds: Sequence[Build]) -> str:
    """Why nothing stands side by side: the axes that have no value in common."""

    def values(axis: str, column: str) -> list[str]:
        found = (
            b.cell.get(axis, units.MISSING) for b in builds if b.cell.get(table.axis) == column
        )
        return list(dict.fromkeys(found))

    axes = dict.fromkeys(axis for build in builds for axis in build.cell if axis != table.axis)
    parts = []
    for axis in axes:
        sides = {column: values(axis, column) for column in table.columns}
        if not set.intersection(*map(set, sides.values())):
            said = ", ".join(
                f"{'/'.join(found[:3])} in {column}" for column, found in sides.items()
            )
            parts.append(f"{axis} is {said}")
    why = f" ({'; '.join(parts)})" if parts else ""
    names = " and ".join(table.columns)
    return f"{names} share no cell: nothing to compare{why}."


def expected(runs: Sequence[Run]) -> str:
    broken = sum(len(run.broken) for run in runs)
    if broken:
        return f"Expectations broken: {broken}."
    held = all(map(expectations_checked, runs)) and any(map(has_expectations, runs))
    return "Every expectation held." if held else ""


def has_expectations(run: Run) -> bool:
    """Whether its scenario says what is expected."""
    return re.search(r"(?m)^expect:", run.scenario.text) is not None


def expectations_checked(run: Run) -> bool:
    """Whether expectations were checked: a run's end does so."""
    return run.status != "partial"


def _differs(table: Table) -> str:
    if len(table.columns) < 2:
        return ""
    built = [
        rows
        for group in table.groups
        for rows in group.phases
        if sum(measure.count > 0 for measure in rows.measures) > 1  # failures tell of no cache
    ]
    steps = [step for rows in built for step in rows.steps]
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


def _words(group: Group, table: Table) -> str:
    """What sets this group apart from the others."""
    values = [
        f"{axis} {value}"
        for axis, value in group.cell.items()
        if len({other.cell.get(axis) for other in table.groups}) > 1
    ]
    return one_line(" ".join(values), 80)
