"""`lab plan`: a scenario's cells; nothing is built, fetched or started."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("scenario", type=Path, metavar="SCENARIO.yaml")
    arguments.engines(verb)


def run(options: argparse.Namespace) -> int:
    """List a scenario's cells."""
    from lab.report import plan
    from lab.scenario.plan import planned

    scenario = arguments.scenario(options)
    plan.show(scenario, planned(scenario))
    return 0
