"""`lab explain`: why steps were not cached."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_json, say_all, say_notes
from lab.engines import named
from lab.model.errors import InputError


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", nargs="?", metavar="RUN", help=arguments.RUN)
    verb.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="IMAGE",
        help="twice: two images, archives or docker:NAME, podman:NAME; no run is needed",
    )
    verb.add_argument(
        "--between",
        nargs=2,
        type=Path,
        metavar="DOCKERFILE",
        help="two Dockerfiles in their contexts: what of the second would miss after the first",
    )
    arguments.dockerfile(verb)
    arguments.base_images(verb)
    verb.add_argument(
        "--context",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="with --between: of both, or twice: of each (default: the Dockerfiles' folders)",
    )
    verb.add_argument("--build", metavar="ID", help="this build alone; a part of its id will do")
    verb.add_argument("--step", type=int, metavar="N", help="this instruction alone")
    verb.add_argument("--phase", metavar="PHASE", help="builds of this phase, engines side by side")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Explain a stored run's builds; or compare images, or Dockerfiles, without a run."""
    if options.image or options.between:
        if options.run is not None:
            raise InputError("a run, or two images, or two Dockerfiles", remedy="ask for one")
        return _images(options) if options.image else _dockerfiles(options)
    if options.run is None:
        raise InputError("explain what?", remedy="name a run, --image twice, or --between")
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    from lab.caching.explain import explanations, render
    from lab.caching.explain.selection import select
    from lab.results import runs

    stored = runs.load(options.run, options.results)
    say_notes(stored)
    wanted = select(
        stored,
        engines={name for name, _ in named.engine_versions(options.engine)}
        if options.engine
        else (),
        build=options.build,
        phase=options.phase,
        step=options.step,
    )
    found = list(explanations(stored, {one.id for one in wanted}))
    if options.json:
        print_json({"builds": [render.as_json(one, options.step) for one in found]})
    elif options.phase is not None:
        say_all(render.side_by_side(found, stored.run.engines))
    else:
        say_all(line for one in found for line in render.lines(one, options.step))
    return 0


def _images(options: argparse.Namespace) -> int:
    from lab.images import history_diff

    if len(options.image) != 2:
        raise InputError("one image alone cannot be compared", remedy="give --image twice")
    one, other = (history_diff.history(name) for name in options.image)
    say_all(history_diff.differences(one, other))
    return 0


def _dockerfiles(options: argparse.Namespace) -> int:
    from lab.caching.predict import inputs, render
    from lab.caching.predict.compare_builds import compare
    from lab.dockerfile.cachekey import client_rules
    from lab.images.triggers import triggers

    if len(options.context) > 2:
        raise InputError("--context is given once or twice", remedy="one for each Dockerfile")
    contexts = options.context * (3 - len(options.context)) if options.context else [None, None]
    args = arguments.build_args(options.build_arg)
    brought = triggers(options.base_image)
    before, after = (
        inputs.cache_inputs(inputs.read(path, context, args, options.target, brought))
        for path, context in zip(options.between, contexts[:2], strict=True)
    )
    engines = named.engine_versions(options.engine)
    found = [compare(before, after, client_rules(name, version)) for name, version in engines]
    if options.json:
        print_json([render.as_json(one) for one in found])
    else:
        say_all(line for one in found for line in render.lines(one))
    return 0
