"""`lab predict`: what an edit would rebuild, without building."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments, line_findings

if TYPE_CHECKING:
    from lab.cli.api.prediction import Predicted


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    line_findings.options(verb)
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="PATH (its content), touch:PATH, chmod:PATH=MODE, chown:PATH=UID:GID, delete:PATH, "
        "rename:PATH=PATH, arg:NAME=VALUE, env:NAME=VALUE, text:N, base; each repeated one alone",
    )


def run(options: argparse.Namespace) -> int:
    """Predict, edit by edit, engine by engine."""
    from lab.cli.api.prediction import predict

    def question(dockerfile: Path) -> Predicted:
        return predict(
            dockerfile,
            *options.edit,
            context=options.context,
            engines=options.engine,
            build_args=arguments.build_args(options.build_arg),
            target=options.target,
        )

    return line_findings.end(line_findings.ask(options, question), options, "lab predict", _value)


def _value(told: Sequence[Predicted]) -> Any:
    """By edit; of several Dockerfiles by their paths before."""
    from lab.caching.predict.render import edits_as_json

    found = {one.place: edits_as_json(one.edits) for one in told}
    return found if len(told) > 1 else next(iter(found.values()))
