"""`lab predict`: what an edit would rebuild, without building."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments, line_findings
from lab.model.remote_cache import NOTHING, STRATEGIES, WARM

if TYPE_CHECKING:
    from lab.cli.api.prediction import Predicted


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    line_findings.options(verb)
    arguments.base_images(verb)
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="PATH (its content), touch:PATH, chmod:PATH=MODE, chown:PATH=UID:GID, delete:PATH, "
        "rename:PATH=PATH, arg:NAME=VALUE, env:NAME=VALUE, text:N, base; each repeated one alone",
    )
    verb.add_argument(
        "--fresh",
        action="store_true",
        help="on an engine with empty storage, as of a new CI runner (docs/fresh-runner.md)",
    )
    verb.add_argument(
        "--cache",
        choices=STRATEGIES,
        metavar="STRATEGY",
        help="of --fresh: what it restores of the build before the edit: none (the default), "
        f"{', '.join(one for one in STRATEGIES if one != NOTHING)}",
    )


def run(options: argparse.Namespace) -> int:
    """Predict, edit by edit, engine by engine."""
    from lab.cli.api.prediction import predict

    fresh = options.fresh or options.cache is not None

    def question(dockerfile: Path) -> Predicted:
        return predict(
            dockerfile,
            *options.edit,
            context=options.context,
            engines=options.engine,
            build_args=arguments.build_args(options.build_arg),
            target=options.target,
            cache=(options.cache or NOTHING) if fresh else WARM,
            base_images=options.base_image,
        )

    return line_findings.end(line_findings.ask(options, question), options, "lab predict", _value)


def _value(told: Sequence[Predicted]) -> Any:
    """By edit; of several Dockerfiles by their paths before."""
    from lab.caching.predict.render import edits_as_json

    found = {one.place: edits_as_json(one.edits) for one in told}
    return found if len(told) > 1 else next(iter(found.values()))
