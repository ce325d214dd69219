"""Running a scenario for a verb: watched, its reports written, its result judged."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lab.cli.arguments import endpoints
from lab.model.errors import BuildsFailed, ExpectationBroken

if TYPE_CHECKING:
    from lab.results.runs import StoredRun
    from lab.runner.session import Arrange, Options
    from lab.scenario.model import Scenario


def run_scenario(scenario: Scenario, options: argparse.Namespace) -> StoredRun:
    """Run it as the command line says."""
    from lab.runner.session import Options

    named = endpoints(getattr(options, "engine", None) or [])
    settings = Options(
        results=options.results,
        endpoints={name: address for name, address in named.items() if address},
        private=options.private,
        keep=options.keep,
        budget=getattr(options, "budget", None),
    )
    return watched(scenario, settings, options)


def watched(
    scenario: Scenario,
    settings: Options,
    options: argparse.Namespace,
    resumed: StoredRun | None = None,
    *,
    more: bool = False,
    arrange: Arrange | None = None,
) -> StoredRun:
    """Run it, or go on with it, before the user's eyes; then write its reports."""
    from lab.report import formats
    from lab.report.progress import ProgressView
    from lab.runner import session

    stream = sys.stderr if options.json else sys.stdout
    with ProgressView(stream, quiet=options.quiet) as watcher:
        stored = session.run(
            scenario,
            settings,
            say=watcher.say,
            watcher=watcher,
            resumed=resumed,
            more=more,
            arrange=arrange,
        )
    formats.write_defaults(stored)
    return stored


def judge(stored: StoredRun) -> None:
    """Raise what the run's result means for the exit code."""
    failed = [build for build in stored.builds if build.status == "failed"]
    if failed:  # before what was expected of those builds: it is the cause
        raise BuildsFailed(
            f"{len(failed)} of {len(stored.builds)} builds failed, the first: "
            f"{failed[0].id}: {failed[0].reason}",
            remedy=f"in {stored.folder}: {failed[0].replay}"
            if failed[0].replay
            else f"see {stored.folder / 'report.md'}",
        )
    if stored.run.broken:
        raise ExpectationBroken(
            "broken: " + "\n  ".join(stored.run.broken),
            remedy=f"see {stored.folder / 'report.md'}",
        )
