"""Builds side by side: one axis becomes columns, phases and steps become rows. Pure.

Cells that differ in any other axis never share a row: they stand in groups of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lab.host.monitor.fitness import is_fit
from lab.model import remote_cache
from lab.model.errors import InputError
from lab.model.record import Build, Step
from lab.results import comparison_verdicts, footnotes
from lab.results.comparison_verdicts import Asked
from lab.results.stats import Summary, ratios, summary
from lab.results.table import Group, Measure, PhaseRows, StepRow, Table

Axes = Mapping[str, Sequence[str]]
NO_AXES: Axes = MappingProxyType({})
COLD, RUN_AXIS, ENGINE_AXIS = "cold", "run", "engine"


def merge(runs: Mapping[str, Sequence[Build]]) -> tuple[Build, ...]:
    """Builds of several runs as one set with an axis "run"; the keys become its values."""
    return tuple(
        replace(build, cell={**build.cell, RUN_AXIS: name})
        for name, builds in runs.items()
        for build in builds
    )


def values(builds: Iterable[Build], axis: str, axes: Axes = NO_AXES) -> tuple[str, ...]:
    """The values of an axis: in the order of the scenario's ``axes``, else as they first appear."""
    found = dict.fromkeys(build.cell[axis] for build in builds if axis in build.cell)
    return tuple(sorted(found, key=_place(axis, axes)))


def main_axis(builds: Sequence[Build]) -> str:
    """The axis a run is about: the caches of fresh engines or the engine where they vary, else the
    first axis that does.
    """
    named = [remote_cache.AXIS, ENGINE_AXIS]
    axes = dict.fromkeys([*named, *(axis for build in builds for axis in build.cell)])
    return next((axis for axis in axes if len(values(builds, axis)) > 1), ENGINE_AXIS)


def table(
    builds: Sequence[Build],
    *,
    axis: str,
    columns: Sequence[str],
    baseline: str | None = None,
    with_degraded: bool = False,
    asked: Asked = Asked(),  # noqa: B008 (frozen)
    axes: Axes = NO_AXES,
) -> Table:
    """Compare the values ``columns`` of ``axis``; the first is the baseline unless one is named.

    The scenario's ``axes`` say in which order groups stand, else they do as they first appear.

    Builds that were disturbed are shown, but they enter ratios and verdicts only if
    ``with_degraded`` asks for them.

    Raises InputError for an axis, a column or a baseline that the builds do not have.
    """
    baseline = _checked(builds, axis, columns, baseline)
    wanted = [b for b in builds if b.cell.get(axis) in columns and not b.warm_up]
    if with_degraded:
        wanted = [replace(build, fit=None) for build in wanted]
    cold = {_trial(b): b.wall_s for b in wanted if b.phase == COLD and _measured(b)}
    rests: dict[tuple[tuple[str, str], ...], dict[str, list[Build]]] = {}
    for build in wanted:
        rests.setdefault(_rest(build, axis), {}).setdefault(build.phase, []).append(build)
    groups, notes = [], list(footnotes.failures(wanted))
    rows = sum(_tried(found) for by_phase in rests.values() for found in by_phase.values())
    asked = replace(asked, questions=max(rows * (len(columns) - 1), 1))
    for rest, by_phase in sorted(rests.items(), key=lambda one: _order(one[0], axes)):
        phases = tuple(
            _phase(phase, found, (axis, columns, baseline, asked), cold)
            for phase, found in by_phase.items()
            if _tried(found)
        )
        if phases:
            groups.append(Group(cell=dict(rest), phases=phases))
    judged = comparison_verdicts.judged(groups)
    notes += [*footnotes.verdicts(judged, asked), *footnotes.doubts(judged, baseline)]
    return Table(
        axis=axis,
        columns=tuple(columns),
        baseline=baseline,
        groups=judged,
        footnotes=tuple(dict.fromkeys(notes)),
    )


def _checked(
    builds: Sequence[Build], axis: str, columns: Sequence[str], baseline: str | None
) -> str | None:
    known = values(builds, axis)
    if not known and builds:
        axes = sorted({name for build in builds for name in build.cell})
        raise InputError(f"no build has an axis {axis!r}", remedy=f"one of: {', '.join(axes)}")
    for name in [*columns, *([baseline] if baseline is not None else [])]:
        if name not in known and builds:
            raise InputError(f"no build has {axis} {name!r}", remedy=f"one of: {', '.join(known)}")
    if baseline is None:
        return columns[0] if len(columns) > 1 else None
    if baseline not in columns:
        raise InputError(
            f"the baseline {baseline!r} is not among the columns",
            remedy="name one of the values that are compared",
        )
    return baseline


def _phase(
    phase: str,
    builds: Sequence[Build],
    question: tuple[str, Sequence[str], str | None, Asked],
    cold: Mapping[object, float | None],
) -> PhaseRows:
    axis, columns, baseline, asked = question
    by_column = {name: [b for b in builds if b.cell[axis] == name] for name in columns}
    base = {b.round: b for b in by_column.get(baseline or "", ()) if _comparable(b)}
    return PhaseRows(
        phase=phase,
        measures=tuple(
            _versus(
                _measure(name, found, cold, {} if name == baseline else base),
                [b for b in found if _comparable(b)],
                {} if name == baseline else base,
                asked,
                paired=axis != RUN_AXIS,
            )
            for name, found in by_column.items()
        ),
        steps=_steps([[b for b in found if b.steps] for found in by_column.values()]),
    )


def _measure(
    name: str,
    builds: Sequence[Build],
    cold: Mapping[object, float | None],
    base: Mapping[int, Build],
) -> Measure:
    good = [build for build in builds if _measured(build)]

    def over(value: Callable[[Build], float | None]) -> Summary | None:
        return summary([found for build in good if (found := value(build)) is not None])

    def saved(build: Build) -> float | None:
        first = cold.get(_trial(build))
        return 1 - build.wall_s / first if first and build.wall_s is not None else None

    pairs = [
        (b.wall_s or 0.0, base[b.round].wall_s or 0.0)
        for b in good
        if b.round in base and _comparable(b)
    ]
    ratio = ratios(pairs)
    names = dict.fromkeys(mark for build in good for mark in build.marks)
    marks = {mark: summary([b.marks[mark] for b in good if mark in b.marks]) for mark in names}
    return Measure(
        column=name,
        count=len(good),
        failed=sum(build.status in {"failed", "engine-lost"} for build in builds),
        disturbed=sum(not is_fit(build.fit) for build in good),
        wall=over(lambda b: b.wall_s),
        cpu=over(lambda b: b.cpu_s),
        hit_rate=over(lambda b: b.cache.rate if b.cache else None),
        saved=over(saved),
        image_bytes=over(lambda b: b.image.size_bytes if b.image else None),
        critical=over(lambda b: b.critical_path_s),
        steps=over(lambda b: b.steps_s),
        unattributed=over(lambda b: b.unattributed_s),
        marks={mark: found for mark, found in marks.items() if found is not None},
        ratio=ratio,
    )


def _versus(
    measure: Measure,
    good: Sequence[Build],
    base: Mapping[int, Build],
    asked: Asked,
    *,
    paired: bool,
) -> Measure:
    """The measure with what statistics say of its ratios, each by itself."""
    times, cpu = (
        comparison_verdicts.versus(value, good, base, asked, paired=paired)
        for value in (comparison_verdicts.wall, comparison_verdicts.cpu)
    )
    return replace(measure, versus=times, cpu_versus=cpu)


def _steps(columns: Sequence[Sequence[Build]]) -> tuple[StepRow, ...]:
    # An edit puts fresh text into an instruction every round; a file of the same shape is the same
    # file, so its steps match by place. Files of different shape match by the text that they had
    # when they were met first.
    shapes: dict[object, list[object]] = {}
    found: dict[object, list[list[Step]]] = {}
    for place, builds in enumerate(columns):
        for build in builds:
            shape = tuple((step.stage, step.instruction.split(None, 1)[0]) for step in build.steps)
            if shape not in shapes:
                shapes[shape] = _numbered(build.steps)
            for key, step in zip(shapes[shape], build.steps, strict=True):
                found.setdefault(key, [[] for _ in columns])[place].append(step)
    rows = sorted(found.values(), key=lambda row: min(s.index for part in row for s in part))
    return tuple(_step_row(row) for row in rows)


def _numbered(steps: Sequence[Step]) -> list[object]:
    """Each step's stage and text, and the how manieth of them it is."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[object] = []
    for step in steps:
        name = (step.stage, step.instruction)
        seen[name] += 1
        found.append((*name, seen[name]))
    return found


def _step_row(row: Sequence[Sequence[Step]]) -> StepRow:
    first = next(step for part in row for step in part)
    outcomes = tuple(Counter(str(s.outcome) for s in part if s.outcome) for part in row)
    kinds = {frozenset(counts) for counts in outcomes if counts}
    texts = tuple(dict.fromkeys(step.instruction for part in row for step in part))
    return StepRow(
        stage=first.stage,
        instruction=first.instruction,
        varies=len(texts) > 1,
        texts=texts,
        outcomes=tuple(dict(counts) for counts in outcomes),
        durations=tuple(
            summary([s.duration_s for s in part if s.duration_s is not None]) for part in row
        ),
        differs=len(kinds) > 1,
    )


def _measured(build: Build) -> bool:
    return build.status == "ok" and build.wall_s is not None


def _comparable(build: Build) -> bool:
    return _measured(build) and is_fit(build.fit)


def _trial(build: Build) -> object:
    return (frozenset(build.cell.items()), build.round)


def _tried(builds: Iterable[Build]) -> bool:
    return any(build.status != "skipped" for build in builds)


def _place(axis: str, axes: Axes) -> Callable[[str], int]:
    """Where a value stands on its axis; those that the scenario does not name come last."""
    known = {value: place for place, value in enumerate(axes.get(axis, ()))}
    return lambda value: known.get(value, len(known))


def _order(rest: Iterable[tuple[str, str]], axes: Axes) -> list[int]:
    return [_place(name, axes)(value) for name, value in rest]


def _rest(build: Build, axis: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in build.cell.items() if name != axis)
