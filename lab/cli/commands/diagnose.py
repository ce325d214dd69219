"""`lab diagnose`: why builds failed or became slow, by what their steps printed."""

from __future__ import annotations

import argparse

from lab.cli import arguments
from lab.cli.output import print_json, print_lines, say_notes


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", metavar="RUN", help=arguments.RUN)
    verb.add_argument(
        "--baseline",
        metavar="RUN",
        help="take good builds from it (default: the latest runs of the same scenario, or the run)",
    )
    verb.add_argument(
        "--build", default="", metavar="ID", help="this build alone; a part of its id will do"
    )
    verb.add_argument("--all", action="store_true", help="every finding, not only the first ones")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Say what a run's builds print that good builds do not."""
    from lab.model.errors import InputError
    from lab.report import diagnosis
    from lab.results import runs
    from lab.results.diagnosis.diagnose import diagnose

    stored = runs.load(options.run, options.results)
    say_notes(stored)
    if not stored.builds:
        raise runs.without_builds(stored)
    against = None if options.baseline is None else runs.load(options.baseline, options.results)
    found = list(diagnose(stored, options.results, against=against, part=options.build))
    if not found:
        ids = ", ".join(build.id for build in stored.builds[:5])
        raise InputError(
            f"no build of {stored.run.id} that was made has {options.build!r} in its id",
            remedy=f"one of: {ids}",
        )
    if options.json:
        print_json({"run": stored.run.id, "diagnoses": diagnosis.as_json(found)})
    else:
        print_lines(diagnosis.text(found, every=options.all))
    return 0
