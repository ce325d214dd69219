"""`lab compare`: engines, runs, or values of an axis, side by side."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, base_upgrade, pivot_table
from lab.cli.output import before_the_answer, print_json, say
from lab.cli.scenario_run import judge, run_scenario
from lab.engines import NAMES
from lab.model.errors import InputError

if TYPE_CHECKING:
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
    arguments.private(verb)
    arguments.rounds_and_seed(verb)
    verb.add_argument(
        "--with-degraded", action="store_true", help="let disturbed builds into the verdicts"
    )
    pivot_table.options(verb)
    base_upgrade.options(verb)
    verb.add_argument("--json", action="store_true", help="print the table as JSON")


def run(options: argparse.Namespace) -> int:
    """Compare engines by running a scenario on them, runs, or values of an axis of a run."""
    from lab.report import compose, terminal
    from lab.results import comparison, runs
    from lab.results.comparison_verdicts import asked_of

    values: Sequence[str] = options.values
    if base_upgrade.asked(options):
        return base_upgrade.run(options)
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise InputError(f"{twice!r} is named twice", remedy="name each side once")
    if pivot_table.asked(options):
        return pivot_table.run(options)
    if not values:
        raise InputError(
            "lab compare takes engines, runs, or values of --axis",
            remedy="lab compare docker podman; or fields by --rows and --cols",
        )
    stored = None
    if options.run is not None:
        _builds_nothing(options, "beside --run")
        one = runs.load(options.run, options.results)
        builds, heads = one.builds, [one.run]
        axis = options.axis or comparison.main_axis(builds)
    elif options.axis is None and all(value.partition("=")[0] in NAMES for value in values):
        options.engine = values
        options.scenario = options.scenario or arguments.shipped(DEMO)
        stored = run_scenario(arguments.scenario(options), options)
        builds, heads, axis = stored.builds, [stored.run], "engine"
        values = tuple(value.partition("=")[0] for value in values)
    else:
        _builds_nothing(options, "beside runs")
        found = _named_runs(values, options)
        builds = comparison.merge({name: one.builds for name, one in found.items()})
        heads = [one.run for one in found.values()]
        axis = options.axis or comparison.RUN_AXIS
        if options.axis is not None:
            values = comparison.values(builds, axis)
    table = comparison.table(
        builds,
        axis=axis,
        columns=values,
        asked=asked_of(heads[0].options, heads[0].seed),
        with_degraded=options.with_degraded,
    )
    with before_the_answer():
        if options.json:
            print_json({"table": table.to_json()})
        else:
            terminal.show(compose.from_table(table, builds, heads))
        if stored is not None:
            say(str(stored.folder), on_error=options.json)
    if stored is not None:
        judge(stored)
    return 0


def _builds_nothing(options: argparse.Namespace, beside: str) -> None:
    names = ("scenario", "private", "rounds", "seed", "keep")
    arguments.refuse(options, names, f"{beside}: nothing is built")


def _named_runs(values: Sequence[str], options: argparse.Namespace) -> dict[str, StoredRun]:
    """The runs that ``lab compare`` names. Raises InputError where they cannot be compared."""
    from lab.results import runs

    if any(value in NAMES for value in values):
        other = next(value for value in values if value not in NAMES)
        raise InputError(f"no engine is named {other!r}", remedy=f"one of {', '.join(NAMES)}")
    if options.axis is not None and not any(
        value in runs.runs(options.results) for value in values
    ):
        raise InputError(
            f"{', '.join(values)}: values of {options.axis} in which run?",
            remedy="name it with --run; `--run latest` is the last one",
        )
    found = {value: runs.load(value, options.results) for value in values}
    for value, one in found.items():
        if not one.builds:
            raise InputError(
                f"run {value} stopped before its first build",
                remedy=f"lab run --resume {shlex.quote(str(one.folder))}",
            )
    return found
