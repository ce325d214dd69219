"""`lab why`: why a rebuild misses, between two commits or since the last one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments, line_findings

if TYPE_CHECKING:
    from lab.cli.api.rebuild import Rebuild


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    line_findings.options(verb, several=False)
    verb.add_argument(
        "--between",
        nargs=2,
        default=("HEAD", "."),
        metavar=("A", "B"),
        help="commits, branches or tags; . is the work tree (default: HEAD .)",
    )
    verb.add_argument("--run", metavar="RUN", help="take times from this run, not the latest")
    arguments.results(verb)
    verb.epilog = "{commit} in the value of a --build-arg stands for the id of A, then of B."


def run(options: argparse.Namespace) -> int:
    """Say what misses first, why, what follows, and what it costs."""
    from lab.cli.api.rebuild import why

    def question(dockerfile: Path) -> Rebuild:
        return why(
            dockerfile,
            between=tuple(options.between),
            context=options.context,
            engines=options.engine,
            build_args=arguments.build_args(options.build_arg),
            target=options.target,
            run=options.run,
            results=options.results,
        )

    return line_findings.end(line_findings.ask(options, question), options, "lab why", _value)


def _value(told: Sequence[Rebuild]) -> Any:
    from lab.caching.why.render import as_json

    return as_json(told[0].answer)
