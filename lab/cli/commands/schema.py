"""`lab schema`: the JSON Schema of scenario files and of claims files."""

from __future__ import annotations

import argparse

from lab.cli.output import print_json


def options(verb: argparse.ArgumentParser) -> None:
    """Its argument."""
    verb.add_argument(
        "of",
        nargs="?",
        choices=("scenario", "claims"),
        default="scenario",
        metavar="scenario|claims",
    )


def run(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from lab.golang.claims import loader as claims
    from lab.scenario import loader as scenarios

    schemas = {"claims": claims.FORMAT.json_schema, "scenario": scenarios.FORMAT.json_schema}
    print_json(schemas[options.of]())
    return 0
