"""Running a scenario for a verb: watched, its reports written, its result judged."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.engines.named import endpoints
from lab.model.errors import ExpectationBroken, InputError

if TYPE_CHECKING:
    from lab.cli.api.measuring import View
    from lab.model.record import Run
    from lab.results.runs import StoredRun
    from lab.runner.options import Options
    from lab.scenario.model import Scenario


def run_scenario(scenario: Scenario, options: argparse.Namespace) -> StoredRun:
    """Run it as the command line says."""
    from lab.cli.api.measuring import measure
    from lab.runner.options import Options

    named = endpoints(getattr(options, "engine", None) or [])
    settings = Options(
        results=options.results,
        endpoints={name: address for name, address in named.items() if address},
        private=options.private,
        keep=options.keep,
        budget=getattr(options, "budget", None),
        baseline=getattr(options, "baseline", None),
        name=getattr(options, "name", None),
    )
    if getattr(options, "fleet", None):
        return over_fleet(scenario, traced(settings, options), options)
    return measure(scenario, traced(settings, options), view(options))


def over_fleet(
    scenario: Scenario,
    settings: Options,
    options: argparse.Namespace,
    resumed: StoredRun | None = None,
) -> StoredRun:
    """Run it on a fleet's workers, or go on with one of a fleet. Raises InputError without one."""
    if not options.fleet:
        raise InputError(
            f"run {resumed.run.id if resumed else ''} is of a fleet, and goes on there",
            remedy="name its scheduler with --fleet",
        )
    from lab.cli.api.measuring import measure_over
    from lab.runner.fleet.security import place

    where = place(options.fleet, options.certificates)
    return measure_over(where, scenario, settings, view(options), resumed)


def view(options: argparse.Namespace) -> View:
    """Before the user's eyes, beside what is printed for programs."""
    from lab.cli.api.measuring import View

    return View(stream=sys.stderr if options.json else sys.stdout, quiet=options.quiet)


def traced(settings: Options, options: argparse.Namespace) -> Options:
    """With where the run's trace is to be sent, by --otlp or the environment."""
    from lab.report.otlp.settings import collector

    found = collector(getattr(options, "otlp", None), os.environ)
    return settings if found is None else replace(settings, collector=found)


def as_it_was_run(run: Run, instead: Path | None = None) -> Scenario:
    """A run's scenario, or another file ``instead``, on its engines and with its seed."""
    from lab.scenario import loader

    path = run.scenario.path
    read = (
        loader.parse(run.scenario.text, None if path is None else Path(path))
        if instead is None
        else loader.load(instead)
    )
    if run.options.engines:
        read = read.with_engines(run.options.engines)
    return replace(read, seed=run.seed)


def as_it_was_asked(run: Run, options: argparse.Namespace) -> Options:
    """What a run's command line added, for more builds of the same; --private may be added."""
    from lab.runner.options import Options

    asked = run.options
    return Options(
        results=options.results,
        endpoints=asked.endpoints or {},
        private=bool(asked.private) or options.private,
        keep=options.keep,
        budget=getattr(options, "budget", None),
    )


def _images(run: Run) -> Mapping[str, str]:
    """The images that stand for references of a Dockerfile already."""
    from lab.scenario.model import Own

    try:
        work = as_it_was_run(run).workload
    except InputError:  # its files are no longer as they were
        return {}
    return work.images if isinstance(work, Own) else {}


def judge(stored: StoredRun, *, told: bool = False) -> None:
    """Raise what the run's result means for the exit code. ``told`` is where its report, with the
    reasons of failed builds, was printed: on a terminal they stand once.
    """
    failed = [build for build in stored.builds if build.status == "failed"]
    if failed:  # before what was expected of those builds: it is the cause
        from lab.cli import failed_builds

        shown = told and sys.stdout.isatty()
        raise failed_builds.error(failed, stored, told=shown, given=_images(stored.run))
    if stored.run.broken:
        raise ExpectationBroken(
            "broken: " + "\n  ".join(stored.run.broken),
            remedy=f"see {stored.folder / 'report.md'}",
        )
