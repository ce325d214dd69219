"""`lab new`: a scenario for a Dockerfile of the user's own, with comments, ready to be run."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_text, say
from lab.model.errors import InputError


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "dockerfile",
        type=Path,
        nargs="?",
        default=Path("Dockerfile"),
        metavar="DOCKERFILE",
        help="default: Dockerfile",
    )
    verb.add_argument("--context", type=Path, metavar="DIR", help="default: its folder")
    arguments.stand_in(verb)
    verb.add_argument(
        "--output", type=Path, metavar="FILE", help="instead of standard output; never overwritten"
    )


def run(options: argparse.Namespace) -> int:
    """Print the scenario, or write it."""
    from lab.scenario import own_project

    project = own_project.found(options.dockerfile, options.context)
    folder = (options.output or Path("lab.yaml")).absolute().parent
    images = arguments.stand_ins(options.base_image)
    own_project.refuse_unread(project, (), images)
    text = own_project.commented(project, folder, images=images)
    if options.output is None:
        print_text(text)
        return 0
    try:
        with options.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{options.output} cannot be written: {error.strerror}",
            remedy="name a file that is not there yet, in a folder that is",
        ) from error
    say(f"wrote {options.output}; next: lab run {options.output}")
    return 0
