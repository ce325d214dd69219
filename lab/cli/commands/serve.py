"""`lab serve`: the runs of a results folder in a browser on this machine."""

from __future__ import annotations

import argparse

from lab.cli import arguments
from lab.cli.output import say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--port", type=int, default=8700, metavar="N", help="default: 8700; 0: any")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    import sys

    from lab.model.errors import InputError
    from lab.report.server import Server
    from lab.results import runs

    if not options.results.is_dir():
        raise InputError(
            f"{options.results} is no folder: there is nothing to serve",
            remedy="name the folder of your runs with --results; "
            "`lab run --dockerfile Dockerfile` makes one",
        )
    with Server(options.results, options.port) as server:
        if not runs.runs(options.results):
            say(f"there are no runs in {options.results} yet", on_error=True)
        say(f"{options.results} at {server.url} (Ctrl-C ends it)")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")
    return 0
