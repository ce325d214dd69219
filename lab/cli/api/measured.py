"""`lab.run`, `lab.open_run`, `lab.runs`, `lab.compare`: what was measured, as values."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.cli.api import comparing, measuring, scenarios
from lab.cli.api.comparing import Sides
from lab.engines.named import endpoints
from lab.model.errors import InputError, LabError
from lab.model.record import Build, Run
from lab.report import compose, notebook
from lab.report.model import ReportModel
from lab.results import runs as stored_runs
from lab.results.runs import StoredRun
from lab.results.table import Table
from lab.runner.options import Options


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Columns beside a baseline: the table with its intervals and verdicts, and what it comes to.

    ``builds`` are the records of all that is compared.
    """

    table: Table
    builds: tuple[Build, ...]
    runs: tuple[Run, ...]

    @cached_property
    def model(self) -> ReportModel:
        """What every report says of it, as strings."""
        return compose.from_table(self.table, self.builds, self.runs)

    @property
    def verdict(self) -> str:
        """The answer, in the sentences that reports begin with."""
        return self.model.headline.verdict

    def __str__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        return notebook.fragment(self.model)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run that lies in the results folder. ``notes`` are what was passed over in reading it."""

    run: Run
    builds: tuple[Build, ...]
    folder: Path
    notes: tuple[str, ...]

    @property
    def id(self) -> str:
        """What commands know it by."""
        return self.run.id

    @cached_property
    def comparison(self) -> Comparison:
        """The comparison that it was made for, as its report shows it."""
        table = compose.table_of(self._stored)
        return Comparison(table=table, builds=self.builds, runs=(self.run,))

    @property
    def verdict(self) -> str:
        """The answer, in the sentences that its report begins with."""
        return self.comparison.verdict

    @property
    def _stored(self) -> StoredRun:
        return StoredRun(run=self.run, builds=self.builds, folder=self.folder, notes=self.notes)

    def __str__(self) -> str:
        return f"{self.id}: {self.verdict}"

    def _repr_html_(self) -> str:
        return self.comparison._repr_html_()


def run(
    what: Path | str,
    *,
    context: Path | str | None = None,
    engines: Sequence[str] = (),
    rounds: int | None = None,
    baseline: str | None = None,
    private: bool = False,
    results: Path | str = "results",
    quiet: bool = False,
) -> Measured:
    """Measure a scenario (a file, or the name of one that comes with the lab), or a Dockerfile as
    it is, as `lab run` does; its reports lie in ``folder``.

    ``engines`` are NAME or NAME=ENDPOINT. What is being done is told on standard error, unless
    ``quiet``. Failed builds and broken expectations are in the records, not raised.

    Raises `lab.LabError`.
    """
    named = Path(what)
    own = named.suffix not in {".yaml", ".yml"} and named.is_file()
    if context is not None and not own:
        raise InputError("a context without a Dockerfile", remedy="name the Dockerfile")
    scenario = scenarios.read(
        None if own else named,
        dockerfile=named if own else None,
        context=None if context is None else Path(context),
        engines=engines,
        rounds=rounds,
    )
    settings = Options(
        results=Path(results),
        endpoints={name: address for name, address in endpoints(engines).items() if address},
        private=private,
        baseline=baseline,
    )
    view = measuring.View(stream=io.StringIO() if quiet else sys.stderr, quiet=True)
    return _measured(measuring.measure(scenario, settings, view))


def open_run(ref: Path | str = "latest", *, results: Path | str = "results") -> Measured:
    """The run of this name: its folder, its id or the beginning of it, a name, a branch, a commit,
    `latest`, `latest~1` (docs/runs.md). Raises `lab.LabError`.
    """
    return _measured(stored_runs.load(ref, Path(results)))


def runs(*, results: Path | str = "results", scenario: str | None = None) -> tuple[Run, ...]:
    """The heads of the runs in a results folder, oldest first; of one scenario where it is named.

    One that cannot be read is passed over, with a warning. Raises `lab.LabError` where the folder
    cannot be read.
    """
    folder = Path(results)
    found = []
    for name in stored_runs.runs(folder):
        try:
            found.append(stored_runs.head(folder / name))
        except LabError as error:
            warnings.warn(stored_runs.passed_over(folder / name, error.message), stacklevel=2)
    wanted = [one for one in found if scenario in {None, one.scenario.name}]
    return tuple(sorted(wanted, key=lambda one: (one.started, one.id)))


def compare(
    *sides: Measured | Path | str,
    axis: str | None = None,
    baseline: str | None = None,
    results: Path | str = "results",
) -> Comparison:
    """Runs side by side, as `lab compare RUN RUN` has them; of one run the values of an axis, as
    `lab compare --run RUN --axis AXIS`. The first is the baseline unless one is named.

    Raises `lab.LabError`.
    """
    if not sides:
        raise InputError("nothing to compare", remedy="name one run or several")
    names = [str(one.folder) if isinstance(one, Measured) else str(one) for one in sides]
    found = comparing.stored(names, Path(results))
    if len(found) == 1:
        (only,) = found.values()
        return _comparison(comparing.within(only, axis, baseline=baseline))
    return _comparison(comparing.across(found, axis, baseline, Path(results)))


def _measured(found: StoredRun) -> Measured:
    return Measured(run=found.run, builds=found.builds, folder=found.folder, notes=found.notes)


def _comparison(sides: Sides) -> Comparison:
    return Comparison(table=sides.table(), builds=tuple(sides.builds), runs=tuple(sides.runs))
