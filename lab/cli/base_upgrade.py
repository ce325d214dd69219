"""`lab compare --axis base OLD NEW`: what a base upgrade changes, read out of the images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise

from lab.cli import arguments, forms
from lab.cli.forms import Form
from lab.cli.output import say
from lab.model.errors import InputError

AXIS = "base"


def options(verb: argparse.ArgumentParser) -> None:
    """--all."""
    verb.add_argument("--all", action="store_true", help="all there is, not what a screen holds")


def asked(options: argparse.Namespace) -> bool:
    """Whether images are to be compared rather than builds: bases, and no run that has them."""
    if options.axis == AXIS and options.run is None and options.dockerfile is None:
        from lab.results import runs

        known = runs.runs(options.results) if options.results.is_dir() else ()
        return not any(value in known for value in options.values)
    return False


def run(options: argparse.Namespace, asked: Sequence[Form]) -> int:
    """Say what each step from one image to the next changes."""
    from lab.images.opened import opened
    from lab.report import upgrade as upgraded
    from lab.validate.upgrade import upgrade

    arguments.refuse(options, arguments.BUILDS, "beside images: nothing is built")
    if len(options.values) < 2:
        raise InputError(
            "--axis base compares two images or more",
            remedy="lab compare --axis base bookworm trixie; or name a run with --run",
        )
    images = [opened(name, say=lambda text: say(text, on_error=True)) for name in options.values]
    found = [upgrade(before, after) for before, after in pairwise(images)]

    def made(name: str) -> str:
        if name == "json":
            return forms.json_text([one.to_json() for one in found])
        return "\n".join(upgraded.markdown(one) for one in found)

    forms.write(asked, made)
    if not forms.printed(asked):
        for one in found:
            upgraded.show(one, everything=options.all)
    return 0
