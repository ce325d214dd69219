"""`lab compare --axis base OLD NEW`: what a base upgrade changes, read out of the images."""

from __future__ import annotations

import argparse
from itertools import pairwise

from lab.cli.output import print_json, print_text, say
from lab.model.errors import InputError

AXIS = "base"


def options(verb: argparse.ArgumentParser) -> None:
    """--all and --markdown."""
    verb.add_argument("--all", action="store_true", help="all there is, not what a screen holds")
    verb.add_argument(
        "--markdown", action="store_true", help="with --axis base: print it as Markdown"
    )


def asked(options: argparse.Namespace) -> bool:
    """Whether images are to be compared rather than builds: bases, and no run that has them."""
    if options.axis == AXIS and options.run is None:
        from lab.results import runs

        known = runs.runs(options.results) if options.results.is_dir() else ()
        return not any(value in known for value in options.values)
    if options.markdown:
        raise InputError("--markdown goes with --axis base", remedy="lab compare --help")
    return False


def run(options: argparse.Namespace) -> int:
    """Print what each step from one image to the next changes."""
    from lab.images.opened import opened
    from lab.report import upgrade as upgraded
    from lab.validate.upgrade import upgrade

    if len(options.values) < 2:
        raise InputError(
            "--axis base compares two images or more",
            remedy="lab compare --axis base bookworm trixie; or name a run with --run",
        )
    images = [opened(name, say=lambda text: say(text, on_error=True)) for name in options.values]
    found = [upgrade(before, after) for before, after in pairwise(images)]
    if options.json:
        print_json([one.to_json() for one in found])
    elif options.markdown:
        print_text("\n".join(upgraded.markdown(one) for one in found))
    else:
        for one in found:
            upgraded.show(one, everything=options.all)
    return 0
