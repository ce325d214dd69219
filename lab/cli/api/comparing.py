"""Runs side by side, or the values of an axis of one run: what is compared, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.cli import run_names
from lab.model.errors import InputError
from lab.model.record import Build, Run
from lab.results import comparison, question, runs
from lab.results.comparison_verdicts import asked_of
from lab.results.runs import StoredRun
from lab.results.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared: builds, the runs that they are of, and the columns of an axis.

    ``made`` is the run that was made for it.
    """

    builds: Sequence[Build]
    runs: Sequence[Run]
    axis: str
    columns: Sequence[str]
    baseline: str | None = None
    made: StoredRun | None = None

    def table(self, *, with_degraded: bool = False) -> Table:
        """The comparison."""
        return comparison.table(
            self.builds,
            axis=self.axis,
            columns=self.columns,
            baseline=self.baseline,
            axes=question.merged(self.runs),
            asked=asked_of(self.runs[0].options, self.runs[0].seed),
            with_degraded=with_degraded,
        )


def within(
    stored: StoredRun, axis: str | None, columns: Sequence[str] = (), baseline: str | None = None
) -> Sides:
    """Values of an axis of one run: of the one that it is about, and all, unless they are named."""
    axis = axis or comparison.main_axis(stored.builds)
    return Sides(
        builds=stored.builds,
        runs=[stored.run],
        axis=axis,
        columns=columns or comparison.values(stored.builds, axis, stored.run.axes),
        baseline=baseline,
    )


def across(
    found: Mapping[str, StoredRun],
    axis: str | None = None,
    baseline: str | None = None,
    results: Path = Path("results"),
) -> Sides:
    """Several runs, or the values of an axis over all of them."""
    named = run_names.short(list(found.items()))
    builds = comparison.merge({name: one.builds for name, one in named.items()})
    heads = [one.run for one in named.values()]
    if axis is None:
        return Sides(
            builds=builds,
            runs=heads,
            axis=comparison.RUN_AXIS,
            columns=tuple(named),
            baseline=run_names.of(named, baseline, results),
        )
    columns = comparison.values(builds, axis, question.merged(heads))
    return Sides(builds=builds, runs=heads, axis=axis, columns=columns, baseline=baseline)


def stored(values: Sequence[str], results: Path) -> dict[str, StoredRun]:
    """The runs of these names. Raises InputError where two are one, or one has no builds."""
    folders = runs.find_each(values, results)
    found = {value: runs.read(folder) for value, folder in zip(values, folders, strict=True)}
    if len({one.folder.resolve() for one in found.values()}) < len(values):
        raise InputError(f"{' and '.join(values)} name one run twice", remedy="name each side once")
    for one in found.values():
        if not one.builds:
            raise runs.without_builds(one)
    return found
