"""`lab why`: why a rebuild misses, between two commits or since the last one."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_json, say_all

ENGINES = ("docker", "podman")  # where none is named


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
    verb.add_argument(
        "--between",
        nargs=2,
        default=("HEAD", "."),
        metavar=("A", "B"),
        help="commits, branches or tags; . is the work tree (default: HEAD .)",
    )
    verb.add_argument("--context", type=Path, metavar="DIR", help="default: the file's folder")
    arguments.dockerfile(verb)
    verb.add_argument("--run", metavar="RUN", help="take times from this run, not the latest")
    arguments.results(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")
    verb.epilog = "{commit} in the value of a --build-arg stands for the id of A, then of B."


def run(options: argparse.Namespace) -> int:
    """Say what misses first, why, what follows, and what it costs."""
    from lab.caching.git.place import place
    from lab.caching.why import Asked, why
    from lab.caching.why.render import as_json, lines
    from lab.engines import named

    before, after = options.between
    answer = why(
        Asked(
            place=place(options.dockerfile, options.context),
            before=before,
            after=after,
            engines=named.engine_versions(options.engine or ENGINES),
            build_args=arguments.build_args(options.build_arg),
            target=options.target,
            run=options.run,
            results=options.results,
        )
    )
    if options.json:
        print_json(as_json(answer))
    else:
        say_all(lines(answer))
    return 0
