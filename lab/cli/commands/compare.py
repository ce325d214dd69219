"""`lab compare`: engines, runs, or values of an axis, side by side."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, base_upgrade, pivot_table, run_names
from lab.cli.output import before_the_answer, print_json, say
from lab.cli.scenario_run import judge, run_scenario
from lab.model.engine_name import names_engine, parse
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.model.record import Build, Run
    from lab.results.runs import StoredRun

DEMO = "layer-cache.yaml"


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "values",
        nargs="*",
        metavar="VALUE",
        help="engines to run, run ids, or values of --axis; with --axis base and no --run two "
        "images: what the upgrade from one to the other changes",
    )
    verb.add_argument("--run", metavar="RUN", help="compare within this run, without building")
    verb.add_argument("--axis", metavar="AXIS", help="the axis that VALUEs are of")
    verb.add_argument("--scenario", type=Path, metavar="FILE", help="instead of the demo scenario")
    arguments.project(verb)
    arguments.private(verb)
    arguments.rounds_and_seed(verb)
    verb.add_argument(
        "--with-degraded", action="store_true", help="let disturbed builds into the verdicts"
    )
    arguments.baseline(verb)
    pivot_table.options(verb)
    base_upgrade.options(verb)
    verb.add_argument("--json", action="store_true", help="print the table as JSON")


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


def run(options: argparse.Namespace) -> int:
    """Compare engines by running a scenario on them, runs, or values of an axis of a run."""
    from lab.report import compose, terminal, terminal_brief
    from lab.results import comparison, question
    from lab.results.comparison_verdicts import asked_of

    if base_upgrade.asked(options):
        return base_upgrade.run(options)
    _each_once(options.values)
    if pivot_table.asked(options):
        return pivot_table.run(options)
    sides = _sides(options)
    table = comparison.table(
        sides.builds,
        axis=sides.axis,
        columns=sides.columns,
        baseline=sides.baseline,
        axes=question.merged(sides.runs),
        asked=asked_of(sides.runs[0].options, sides.runs[0].seed),
        with_degraded=options.with_degraded,
    )
    with before_the_answer():
        if options.json:
            print_json({"table": table.to_json()})
        elif options.all:
            terminal.show(compose.from_table(table, sides.builds, sides.runs))
        else:
            said = compose.from_table(table, sides.builds, sides.runs)
            terminal_brief.show(said, more="--all shows all")
        if sides.made is not None:
            say(str(sides.made.folder), on_error=options.json)
    if sides.made is not None:
        judge(sides.made)
    return 0


def _each_once(values: Sequence[str]) -> None:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise InputError(f"{twice!r} is named twice", remedy="name each side once")


def _sides(options: argparse.Namespace) -> Sides:
    """What the arguments name: a run's own cells, engines to build on, or several runs."""
    if not options.values:
        raise InputError(
            "lab compare takes engines, runs, or values of --axis",
            remedy="lab compare docker podman; or fields by --rows and --cols",
        )
    if options.run is not None:
        return _of_run(options)
    _take_the_dockerfile(options)
    if options.axis is None and all(names_engine(one) for one in options.values):
        return _of_engines(options)
    return _of_runs(options)


def _take_the_dockerfile(options: argparse.Namespace) -> None:
    """`lab compare docker podman Dockerfile`: the last value names what is built."""
    *engines, last = options.values
    file = Path(last)
    if options.dockerfile or not engines or not all(map(names_engine, engines)):
        return
    if not names_engine(last) and "dockerfile" in file.name.lower() and file.is_file():
        options.dockerfile, options.values = file, engines


def _of_run(options: argparse.Namespace) -> Sides:
    from lab.results import comparison, runs

    _builds_nothing(options, "beside --run")
    stored = runs.load(options.run, options.results)
    axis = options.axis or comparison.main_axis(stored.builds)
    return Sides(
        builds=stored.builds,
        runs=[stored.run],
        axis=axis,
        columns=options.values,
        baseline=options.baseline,
    )


def _of_engines(options: argparse.Namespace) -> Sides:
    if options.dockerfile is not None:
        arguments.refuse(options, ("scenario",), "beside a Dockerfile: it is built as it is")
    options.engine = options.values
    columns = [value.partition("=")[0] for value in options.values]
    if options.baseline not in {None, *columns}:
        raise InputError(
            f"the baseline {options.baseline!r} is none of {', '.join(columns)}",
            remedy="name one of the engines that are compared",
        )
    options.scenario = options.scenario or arguments.shipped(DEMO)
    stored = run_scenario(arguments.scenario(options), options)
    return Sides(
        builds=stored.builds,
        runs=[stored.run],
        axis="engine",
        columns=columns,
        baseline=options.baseline,
        made=stored,
    )


def _of_runs(options: argparse.Namespace) -> Sides:
    from lab.results import comparison, question

    _builds_nothing(options, "beside runs")
    _take_the_baseline(options)
    named = run_names.short(list(_named_runs(options.values, options).items()))
    builds = comparison.merge({name: one.builds for name, one in named.items()})
    heads = [one.run for one in named.values()]
    if options.axis is None:
        return Sides(
            builds=builds,
            runs=heads,
            axis=comparison.RUN_AXIS,
            columns=tuple(named),
            baseline=run_names.of(named, options.baseline, options.results),
        )
    columns = comparison.values(builds, options.axis, question.merged(heads))
    return Sides(
        builds=builds,
        runs=heads,
        axis=options.axis,
        columns=columns,
        baseline=options.baseline,
    )


def _take_the_baseline(options: argparse.Namespace) -> None:
    """`lab compare latest --baseline main`: the run that one run is compared with."""
    from lab.results import runs

    if options.axis is None and options.baseline is not None and len(options.values) == 1:
        runs.find_each([options.baseline, *options.values], options.results)  # refused: no run
        options.values = [options.baseline, *options.values]


def _builds_nothing(options: argparse.Namespace, beside: str) -> None:
    names = ("scenario", "dockerfile", "context", "private", "rounds", "seed", "keep")
    arguments.refuse(options, names, f"{beside}: nothing is built")


def _named_runs(values: Sequence[str], options: argparse.Namespace) -> dict[str, StoredRun]:
    """The runs that ``lab compare`` names. Raises InputError where they cannot be compared."""
    from lab.results import runs

    if any(names_engine(value) for value in values):
        parse(next(value for value in values if not names_engine(value)))  # refused: it is none
    if options.axis is not None and not any(
        value in runs.runs(options.results) for value in values
    ):
        raise InputError(
            f"{', '.join(values)}: values of {options.axis} in which run?",
            remedy="name it with --run; `--run latest` is the last one",
        )
    folders = runs.find_each(values, options.results)
    found = {value: runs.read(folder) for value, folder in zip(values, folders, strict=True)}
    if len({one.folder.resolve() for one in found.values()}) < len(found):
        raise InputError(f"{' and '.join(values)} name one run twice", remedy="name each side once")
    for value, one in found.items():
        if not one.builds:
            raise InputError(
                f"run {value} stopped before its first build",
                remedy=f"lab run --resume {shlex.quote(str(one.folder))}",
            )
    return found
