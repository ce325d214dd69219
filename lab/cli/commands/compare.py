"""`lab compare`: engines, runs, or values of an axis, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, base_upgrade, forms, near_files, pivot_table, predicted_comparison
from lab.cli.output import before_the_answer, say
from lab.cli.scenario_run import judge, run_scenario
from lab.model.engine_name import names_engine, parse
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.cli.api.comparing import Sides
    from lab.cli.forms import Form
    from lab.results.runs import StoredRun
    from lab.results.table import Table

DEMO = "layer-cache.yaml"
FORMATS = ("json", "markdown")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "values",
        nargs="*",
        metavar="VALUE",
        help="engines to run, run ids, or values of --axis; with --axis base and no --run two "
        "images: what the upgrade from one to the other changes; a Dockerfile at the end is built "
        "on those engines, or bases",
    )
    verb.add_argument("--run", metavar="RUN", help="compare within this run, without building")
    verb.add_argument("--axis", metavar="AXIS", help="the axis that VALUEs are of")
    verb.add_argument("--scenario", type=Path, metavar="FILE", help="instead of the demo scenario")
    arguments.project(verb)
    arguments.engines(verb)
    arguments.rounds_and_seed(verb)
    verb.add_argument(
        "--with-degraded", action="store_true", help="let disturbed builds into the verdicts"
    )
    arguments.baseline(verb)
    pivot_table.options(verb)
    base_upgrade.options(verb)
    predicted_comparison.options(verb)
    forms.option(verb, FORMATS)
    arguments.earlier(verb, "--markdown", dest="forms", action="append_const", const="markdown")


def run(options: argparse.Namespace) -> int:
    """Compare engines by running a scenario on them, runs, or values of an axis of a run."""
    asked = forms.chosen(options.forms, FORMATS)
    options.json = forms.printed(asked)  # what is watched goes to standard error
    _take_the_dockerfile(options)
    if predicted_comparison.asked(options):
        return predicted_comparison.run(options, asked)
    if base_upgrade.asked(options):
        return base_upgrade.run(options, asked)
    _each_once(options.values)
    if pivot_table.asked(options):
        return pivot_table.run(options, asked)
    sides = _sides(options)
    table = sides.table(with_degraded=options.with_degraded)
    with before_the_answer():
        _show(sides, table, asked, everything=options.all)
        if sides.made is not None:
            say(str(sides.made.folder), on_error=options.json)
    if sides.made is not None:
        judge(sides.made, told=not options.json)
    return 0


def _show(sides: Sides, table: Table, asked: Sequence[Form], *, everything: bool) -> None:
    from lab.report import compose, markdown, terminal, terminal_brief

    def made(name: str) -> str:
        if name == "json":
            return forms.json_text({"table": table.to_json()})
        return markdown.render(compose.from_table(table, sides.builds, sides.runs))

    forms.write(asked, made)
    if forms.printed(asked):
        return
    said = compose.from_table(table, sides.builds, sides.runs)
    if everything:
        terminal.show(said)
    else:
        terminal_brief.show(said, more="--all shows all")


def _each_once(values: Sequence[str]) -> None:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise InputError(f"{twice!r} is named twice", remedy="name each side once")


def _sides(options: argparse.Namespace) -> Sides:
    """What the arguments name: a run's own cells, engines to build on, or several runs."""
    if options.run is not None:
        return _of_run(options)
    if not options.values:
        raise InputError(
            "lab compare takes engines, runs, or values of --axis",
            remedy="lab compare docker podman; or fields by --rows and --cols",
        )
    if options.axis == base_upgrade.AXIS and options.dockerfile is not None:
        return _of_bases(options)
    if options.axis is None and all(names_engine(one) for one in options.values):
        return _of_engines(options)
    return _of_runs(options)


def _take_the_dockerfile(options: argparse.Namespace) -> None:
    """`lab compare docker podman Dockerfile`: the last value names what is built; and so of bases,
    where the axis is theirs.
    """
    *sides, last = options.values or [""]
    file = Path(last)
    engines = options.axis is None and all(map(names_engine, sides))
    if options.dockerfile or not sides or not (engines or options.axis == base_upgrade.AXIS):
        return
    if not names_engine(last) and "dockerfile" in file.name.lower() and file.is_file():
        options.dockerfile, options.values = file, sides


def _of_run(options: argparse.Namespace) -> Sides:
    from lab.cli.api import comparing
    from lab.results import runs

    _builds_nothing(options, "beside --run")
    found = runs.load(options.run, options.results)
    return comparing.within(found, options.axis, options.values, options.baseline)


def _of_engines(options: argparse.Namespace) -> Sides:
    from lab.cli.api import comparing
    from lab.cli.api.scenarios import shipped

    if options.dockerfile is not None:
        arguments.refuse(options, ("scenario",), "beside a Dockerfile: it is built as it is")
    arguments.refuse(options, ("engine",), "beside engines: they are the values that are compared")
    options.engine = options.values
    columns = [value.partition("=")[0] for value in options.values]
    if len(columns) < 2:
        raise InputError(
            f"{columns[0]} alone is compared with nothing",
            remedy=f"name two engines: lab compare {' '.join(_two(columns[0]))} Dockerfile",
        )
    if options.baseline not in {None, *columns}:
        raise InputError(
            f"the baseline {options.baseline!r} is none of {', '.join(columns)}",
            remedy="name one of the engines that are compared",
        )
    if options.scenario is None and options.dockerfile is None:
        say(
            f"no Dockerfile is named: this builds the lab's demo, {shipped(DEMO).stem}; "
            f"`lab compare {' '.join(columns)} Dockerfile` builds yours",
            on_error=True,
        )
    options.scenario = options.scenario or shipped(DEMO)
    scenario = replace(arguments.scenario(options), baseline=None)  # which may be no engine
    stored = run_scenario(scenario, options)
    return replace(comparing.within(stored, "engine", columns, options.baseline), made=stored)


def _two(engine: str) -> tuple[str, str]:
    """An engine and one to compare it with."""
    return engine, "podman" if engine.startswith("docker") else "docker"


def _of_bases(options: argparse.Namespace) -> Sides:
    """A Dockerfile built on one base and on another: they stand for its ARG BASE."""
    from lab.cli.api import comparing

    arguments.refuse(options, ("scenario",), "beside a Dockerfile: it is built as it is")
    options.bases = options.values
    scenario = arguments.scenario(options)
    named = dict(zip(options.values, scenario.axes[base_upgrade.AXIS], strict=True))
    options.baseline = named.get(options.baseline, options.baseline)
    stored = run_scenario(scenario, options)
    columns = scenario.axes[base_upgrade.AXIS]
    sides = comparing.within(stored, base_upgrade.AXIS, columns, options.baseline)
    return replace(sides, made=stored)


def _of_runs(options: argparse.Namespace) -> Sides:
    from lab.cli.api import comparing

    _builds_nothing(options, "beside runs")
    _take_the_baseline(options)
    found = _named_runs(options.values, options)
    return comparing.across(found, options.axis, options.baseline, options.results)


def _take_the_baseline(options: argparse.Namespace) -> None:
    """`lab compare latest --baseline main`: the run that one run is compared with."""
    from lab.results import runs

    if options.axis is None and options.baseline is not None and len(options.values) == 1:
        runs.find_each([options.baseline, *options.values], options.results)  # refused: no run
        options.values = [options.baseline, *options.values]


def _builds_nothing(options: argparse.Namespace, beside: str) -> None:
    arguments.refuse(options, arguments.BUILDS, f"{beside}: nothing is built")


def _named_runs(values: Sequence[str], options: argparse.Namespace) -> dict[str, StoredRun]:
    """The runs that ``lab compare`` names. Raises InputError where they cannot be compared."""
    from lab.cli.api import comparing
    from lab.results import runs

    if any(names_engine(value) for value in values):
        if (absent := near_files.absent(values[-1])) is not None:
            raise absent
        parse(next(value for value in values if not names_engine(value)))  # refused: it is none
    if options.axis is not None and not any(
        value in runs.runs(options.results) for value in values
    ):
        raise InputError(
            f"{', '.join(values)}: values of {options.axis} in which run?",
            remedy="name it with --run; `--run latest` is the last one",
        )
    return comparing.stored(values, options.results)
