"""`lab history`: the runs of a results folder over time, with the points where a trend changed."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from lab.cli import arguments
from lab.cli.output import print_json, print_lines, say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--scenario", metavar="NAME", help="only runs of this scenario")
    verb.add_argument("--metric", default="wall", metavar="M", help="default: wall")
    arguments.window(verb)
    verb.add_argument("--json", action="store_true", help="print the series as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Show every series of the runs."""
    from lab.report import history as report
    from lab.results import history as histories

    found = histories.history(
        options.results,
        scenario=options.scenario,
        metric=options.metric,
        since=options.since,
        say=lambda text: say(text, on_error=True),
    )
    if options.json:
        print_json({"metric": options.metric, "series": [asdict(one) for one in found]})
    else:
        print_lines(report.text(found, options.metric))
    return 0
