"""`lab calibrate`: the same cell against itself, and what this host's noise lets one see."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import before_the_answer, print_json, say
from lab.cli.scenario_run import judge, run_scenario
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.results.calibration import Calibration
    from lab.results.runs import StoredRun
    from lab.scenario.model import Scenario

PAIRS = 10


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("scenario", type=Path, nargs="?", metavar="SCENARIO.yaml")
    arguments.engines(verb)
    arguments.rounds_and_seed(verb)
    arguments.otlp(verb)
    verb.add_argument("--run", metavar="RUN", help="of this run's builds, without building")
    verb.add_argument(
        "--with-degraded", action="store_true", help="let disturbed builds count as well"
    )
    verb.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(options: argparse.Namespace) -> int:
    """Run one cell of each engine against itself and tell the host's noise."""
    from lab.report import calibration as calibrated
    from lab.results import calibration, runs

    if (options.scenario is None) == (options.run is None):
        raise InputError(
            "lab calibrate takes a scenario, or --run with a run",
            remedy="lab calibrate scenarios/layer-cache.yaml --engine podman --private",
        )
    if options.run is not None:
        names = ("engine", "private", "rounds", "seed", "keep", "otlp")
        arguments.refuse(options, names, "beside --run: nothing is built")
        stored = runs.load(options.run, options.results)
    else:
        stored = _measured(options)
    found = calibration.calibrations(
        stored.counted, seed=stored.run.seed, with_degraded=options.with_degraded
    )
    with before_the_answer():
        if options.json:
            print_json({"run": stored.run.id, "calibration": [_as_json(one) for one in found]})
        else:
            calibrated.show(stored.run, found)
        say(str(stored.folder), on_error=options.json)
    judge(stored)
    return 0


def _measured(options: argparse.Namespace) -> StoredRun:
    """Two rounds make a pair: twice as many are run as were asked for."""
    pairs = options.rounds or PAIRS
    options.rounds = None
    scenario = arguments.scenario(options)
    return run_scenario(_one_cell(replace(scenario, rounds=2 * pairs)), options)


def _one_cell(scenario: Scenario) -> Scenario:
    """The first cell of each engine; what the others are expected to do is left out."""
    axes = {
        axis: values if axis == "engine" else values[:1] for axis, values in scenario.axes.items()
    }
    return replace(
        scenario,
        name=f"calibrate-{scenario.name}"[:63],
        axes=axes,
        bases=scenario.bases[:1],
        toolchains=scenario.toolchains[:1],
        expect=(),
    )


def _as_json(one: Calibration) -> dict[str, object]:
    figures = asdict(one)
    if figures["noise"] is not None:
        figures["noise"]["visible"] = dict(figures["noise"]["visible"])
    return figures
