"""`lab run`: run a scenario, or go on with a run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import before_the_answer, print_json, say
from lab.cli.scenario_run import (
    as_it_was_asked,
    as_it_was_run,
    judge,
    over_fleet,
    run_scenario,
    traced,
    view,
)
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.results.runs import StoredRun


_BOTH = "name both; a scenario names its own, as workload: context, images"


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("scenario", type=Path, nargs="?", metavar="SCENARIO.yaml")
    arguments.project(verb)
    arguments.engines(verb)
    arguments.rounds_and_seed(verb)
    arguments.baseline(verb)
    arguments.otlp(verb)
    arguments.fleet(verb)
    verb.add_argument(
        "--name", type=arguments.run_name, help="what the run can be called by, beside its id"
    )
    going_on = verb.add_mutually_exclusive_group()
    going_on.add_argument("--resume", metavar="RUN", help="go on with a run that stopped")
    going_on.add_argument(
        "--append",
        metavar="RUN",
        help="add rounds to a run of this host: --rounds many, else as many as it asked for",
    )
    verb.add_argument(
        "--budget",
        type=arguments.duration,
        metavar="TIME",
        help="begin no trial after so long, such as 90s, 20m or 1h30m",
    )
    verb.add_argument("--json", action="store_true", help="print run.json and the table as JSON")


def run(options: argparse.Namespace) -> int:
    """Run a scenario, or go on with a run."""
    earlier = options.resume or options.append
    if options.dockerfile is None:
        arguments.refuse(options, ("context", "base_image"), "without --dockerfile", _BOTH)
    if sum(one is not None for one in (options.scenario, options.dockerfile, earlier)) != 1:
        raise InputError(
            "lab run takes a scenario, or --dockerfile, or --resume or --append with a run",
            remedy="lab run layer-cache; lab run --dockerfile Dockerfile",
        )
    if options.scenario is not None and "Dockerfile" in options.scenario.name:
        raise InputError(
            f"{options.scenario} is a Dockerfile, not a scenario",
            remedy=f"lab run --dockerfile {options.scenario}",
        )
    stored = (
        _go_on(options, earlier) if earlier else run_scenario(arguments.scenario(options), options)
    )
    with before_the_answer():
        _show(stored, options)
    judge(stored, told=not options.json)
    return 0


def _go_on(options: argparse.Namespace, earlier: str) -> StoredRun:
    """Go on with a run, as it was started: its scenario's text, engines, rounds and seed."""
    _as_it_was_started(options)
    from lab.cli.api.measuring import watched
    from lab.results import runs

    stored = runs.load(earlier, options.results)
    asked = stored.run.options
    for name in ("engines", "rounds", "endpoints"):
        if getattr(asked, name) is None:
            raise InputError(
                f"{stored.folder / runs.RUN_FILE}: its options do not say {name}",
                remedy="run the scenario again",
            )
    rounds = asked.rounds or 0
    if options.append:
        rounds += options.rounds or rounds
    scenario = as_it_was_run(stored.run)
    until = scenario.until if asked.until else None  # --rounds had taken it away
    scenario = replace(scenario, rounds=rounds, until=until)
    asked_now = replace(as_it_was_asked(stored.run, options), results=stored.folder.parent)
    settings = traced(asked_now, options)
    more = options.append is not None
    if more and (options.fleet or stored.run.hosts):
        raise InputError(
            "--append adds rounds on one host, to a run of one",
            remedy="run the scenario on the fleet anew, with more --rounds",
        )
    if options.fleet or stored.run.hosts:
        return over_fleet(scenario, settings, options, resumed=stored)
    with watched(scenario, settings, view(options), resumed=stored, more=more) as session:
        return session.drive(session.trials())


def _as_it_was_started(options: argparse.Namespace) -> None:
    """Refuse what would change a run that is under way."""
    going_on = "--append" if options.append else "--resume"
    why = f"beside {going_on}: a run goes on as it was started"
    remedy = "leave {option} out, or start another run with it"
    arguments.refuse(options, ("engine", "seed", "baseline", "name"), why, remedy)
    if options.resume:
        more = f"{remedy}; --append RUN --rounds N adds rounds"
        arguments.refuse(options, ("rounds",), why, more)


def _show(stored: StoredRun, options: argparse.Namespace) -> None:
    from lab.report import compose, terminal_brief

    if options.json:
        print_json(stored.run.to_json() | {"table": compose.table_of(stored).to_json()})
    else:
        terminal_brief.show(compose.from_run(stored).model, more="the report has all")
        say(f"report: {stored.folder / 'report.html'}")
    say(str(stored.folder), on_error=options.json)
