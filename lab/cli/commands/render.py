"""`lab render`: the Dockerfiles that a scenario would build."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("scenario", type=Path, metavar="SCENARIO.yaml")
    arguments.engines(verb)
    verb.add_argument("--output", type=Path, default=Path("rendered"), metavar="DIR")


def run(options: argparse.Namespace) -> int:
    """Write the Dockerfiles that a scenario would build, one for each cell that differs."""
    from lab.host import disk
    from lab.scenario.plan import planned

    scenario = arguments.scenario(options)
    written: dict[str, str] = {}
    for trial in planned(scenario):
        cell = trial.cell.axes
        name = "-".join(value for axis, value in cell.items() if axis != "engine")
        place = f"{name}.Dockerfile".replace("/", "_").replace(":", "_")
        written[place] = trial.built_from.inputs.dockerfile
    with disk.disk(options.output, "choose another --output folder"):
        options.output.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (options.output / name).write_text(text, encoding="utf-8")
            say(str(options.output / name))
    return 0
