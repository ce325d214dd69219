"""`lab predict`: what an edit would rebuild, without building."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_json, say_all


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("dockerfile", type=Path, metavar="DOCKERFILE")
    verb.add_argument(
        "--context", type=Path, metavar="DIR", help="default: the Dockerfile's folder"
    )
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="PATH (its content), touch:PATH, chmod:PATH=MODE, chown:PATH=UID:GID, delete:PATH, "
        "rename:PATH=PATH, arg:NAME=VALUE, env:NAME=VALUE, text:N, base; each repeated one alone",
    )
    arguments.dockerfile(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Predict, edit by edit, engine by engine."""
    from lab.caching.predict import inputs, render
    from lab.caching.predict.compare_builds import predict_edits
    from lab.caching.predict.limits import limits
    from lab.dockerfile.cachekey import client_rules

    args = arguments.build_args(options.build_arg)
    given = inputs.read(options.dockerfile, options.context, args, options.target)
    engines = arguments.engine_versions(options.engine)
    rules = [client_rules(name, version) for name, version in engines]
    found = list(predict_edits(given, options.edit or [""], rules))
    if options.json:
        print_json(render.edits_as_json(found))
        return 0
    say_all(limits(given, inputs.cache_inputs(given), engines))
    say_all(render.edit_lines(found))
    return 0
