"""What a run is asked: along which axis its builds are compared, in which order, with what. Pure.

The order of trials is drawn by a seed. So which value was built first says nothing: the values of
an axis, and the first of them, the baseline, are as the scenario has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model.errors import InputError
from lab.model.record import Build, Run
from lab.results import comparison
from lab.results.comparison import Axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The ``axis`` whose values are the ``columns``; ``baseline`` is None for the first of them."""

    axis: str
    columns: tuple[str, ...]
    baseline: str | None = None


def of_run(run: Run, builds: Sequence[Build], baseline: str | None = None) -> Question:
    """What a run is about, with another ``baseline`` than it was run with where one is named."""
    return of(builds, run.axes, baseline or run.options.baseline)


def of(builds: Sequence[Build], axes: Axes, baseline: str | None = None) -> Question:
    """The axis that the baseline is a value of, else the one that the builds are about.

    Raises InputError for a baseline that no axis has, or that is the only value of its axis.
    """
    axis = comparison.main_axis(builds)
    if baseline is not None:
        names = dict.fromkeys([axis, *(name for build in builds for name in build.cell)])
        axis = _axis_of(baseline, {name: comparison.values(builds, name, axes) for name in names})
    return Question(axis=axis, columns=comparison.values(builds, axis, axes), baseline=baseline)


def expect(axes: Axes, baseline: str | None) -> None:
    """Find out before slow work that a baseline is none. Raises what `of` raises."""
    if baseline is not None:
        _axis_of(baseline, axes)


def merged(runs: Iterable[Run]) -> dict[str, tuple[str, ...]]:
    """The axes of several runs: each with its values in the first run's order, then the others'."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, values in run.axes.items():
            found.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in found.items()}


def _axis_of(baseline: str, axes: Axes) -> str:
    varied = {name: values for name, values in axes.items() if len(values) > 1}
    for name, values in varied.items():
        if baseline in values:
            return name
    known = [value for values in varied.values() for value in values]
    raise InputError(
        f"nothing is compared with {baseline!r}",
        remedy=f"name one of: {', '.join(known)}"
        if known
        else "the baseline is a value of an axis that has several",
    )
