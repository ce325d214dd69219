"""`lab schema`: the JSON Schema of scenario files."""

from __future__ import annotations

import argparse

from lab.verbs.output import print_json


def options(verb: argparse.ArgumentParser) -> None:
    """It has none."""
    del verb


def run(options: argparse.Namespace) -> int:
    """Print the JSON Schema of scenario files."""
    from lab import scenario

    del options
    print_json(scenario.schema())
    return 0
