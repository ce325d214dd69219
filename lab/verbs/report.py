"""`lab report`: a run's reports, made again."""

from __future__ import annotations

import argparse

from lab.verbs import arguments
from lab.verbs.output import say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", metavar="RUN", help="its id, its folder, or: latest")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Make a run's reports again."""
    from lab import report as reports
    from lab import runs

    stored = runs.load(options.run, options.results)
    for path in reports.write(stored):
        say(str(path))
    return 0
