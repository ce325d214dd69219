"""`lab plan`: a scenario's cells; nothing is built, fetched or started."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments

if TYPE_CHECKING:
    from lab.scenario.model import Scenario


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("scenario", type=Path, metavar="SCENARIO.yaml")
    arguments.engines(verb)
    arguments.fleet(verb)


def run(options: argparse.Namespace) -> int:
    """List a scenario's cells."""
    from lab.report import plan
    from lab.scenario.plan import planned

    scenario = arguments.scenario(options)
    if options.fleet:
        return _on_fleet(scenario, options)
    plan.show(scenario, planned(scenario))
    return 0


def _on_fleet(scenario: Scenario, options: argparse.Namespace) -> int:
    """What goes where. Raises InputError where a cell can be built nowhere, after it is shown."""
    from lab.report import fleet
    from lab.runner.fleet import require

    require()
    from lab.runner.fleet.calls import Calls
    from lab.runner.fleet.placement import place
    from lab.runner.fleet.security import place as place_of

    with Calls(place_of(options.fleet, options.certificates)) as calls:
        placed = place(scenario, list(calls.first().values()))
    fleet.show_placement(placed)
    placed.refuse_nowhere()
    return 0
