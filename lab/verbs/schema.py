"""`lab schema`: the JSON Schema of scenario files and of claims files."""

from __future__ import annotations

import argparse

from lab.verbs.output import print_json


def options(verb: argparse.ArgumentParser) -> None:
    """Its argument."""
    verb.add_argument("of", nargs="?", choices=("scenario", "claims"), default="scenario")


def run(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from lab import scenario
    from lab.claims import reading

    print_json(reading.schema() if options.of == "claims" else scenario.schema())
    return 0
