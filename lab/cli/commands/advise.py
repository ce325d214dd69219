"""`lab advise`: rewrites of a Dockerfile that save rebuilds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, say_all

if TYPE_CHECKING:
    from lab.caching.advise import Advice
    from lab.caching.advise.pricing import Pricing
    from lab.caching.advise.proof import Proof
    from lab.dockerfile.cachekey import Rules
    from lab.dockerfile.edits import Inputs
    from lab.engines.protocol import Engine

PROVED = 3  # edits that a proof builds where none are named: of those that the rewrite changes


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("dockerfile", type=Path, metavar="DOCKERFILE")
    verb.add_argument("--context", type=Path, metavar="DIR", help="default: the file's folder")
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="a change that is made often (see lab predict --help); repeatable "
        "(default: the files that change in git's history, else each file)",
    )
    verb.add_argument("--repo", type=Path, metavar="DIR", help="weigh by this git history instead")
    verb.add_argument("--commits", type=arguments.positive, metavar="N", help="its last N")
    arguments.dockerfile(verb)
    verb.add_argument("--run", metavar="RUN", help="the run whose measured step times are used")
    verb.add_argument("--price", action="append", default=[], metavar="START=SECONDS")
    verb.add_argument(
        "--prove", type=arguments.positive, metavar="ROUNDS", help="build both, and compare"
    )
    verb.add_argument(
        "--altering",
        action="store_true",
        help="also rewrites that could change what the image holds",
    )
    verb.add_argument("--base", metavar="SUITE", help="with --prove: the ARG BASE, bootstrapped")
    arguments.private(verb)
    arguments.results(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Advise by prediction, and prove where asked."""
    from lab.caching.advise import offer, usual_edits
    from lab.caching.advise.render import as_json, lines
    from lab.caching.predict.inputs import read
    from lab.caching.replay.commit_predictor import parsed
    from lab.dockerfile.cachekey import archive_rules, client_rules

    args = arguments.build_args(options.build_arg)
    given = read(options.dockerfile, options.context, args, options.target)
    parsed(given.dockerfile, given.dockerfile_path, args)
    name, version = arguments.one_engine(options.engine)
    edits = options.edit or usual_edits(given, options.context or options.dockerfile.parent)
    with ExitStack() as stack:
        costs = _costs(options, given, name)
        engine, storage = None, ""
        if options.prove:
            engine, given = _engine(options, given, name, stack)
            version, storage = version or engine.facts().version, engine.facts().storage
        rules = (archive_rules if options.prove else client_rules)(name, version, storage)
        pricing = _pricing(options, given, edits, rules, costs, stack)
        found = offer(given, pricing, engine=name, version=version, altering=options.altering)
        proofs: list[Proof | None] = [None] * len(found.shown)
        if engine is not None:
            proofs = [
                _prove(options, engine, given, one, edits, rules, costs) for one in found.shown
            ]
    if options.json:
        print_json([as_json(one, proof) for one, proof in zip(found.shown, proofs, strict=True)])
        return 0
    say_all(lines(found.shown, proofs, found.hidden, options.repo is not None))
    return 0


def _pricing(
    options: argparse.Namespace,
    given: Inputs,
    edits: list[str],
    rules: Rules,
    costs: Mapping[str, float],
    stack: ExitStack,
) -> Pricing:
    """What weighs the rewrites: the history where one is named, else edits."""
    from lab.caching.advise import over_edits, over_history
    from lab.caching.replay import Repository

    if options.repo is None:
        return over_edits(given, edits, rules, costs)
    repository = Repository(options.repo)
    stack.callback(repository.close)
    commits = list(repository.commits(options.commits))
    return over_history(repository, commits, rules, costs, given)


def _costs(options: argparse.Namespace, given: Inputs, engine: str) -> Mapping[str, float]:
    from lab.caching.replay.step_costs import step_costs
    from lab.dockerfile.parser import parse
    from lab.results import runs

    builds = runs.load(options.run, options.results).builds if options.run else ()
    texts = [one.text for one in parse(given.dockerfile, given.build_args).instructions]
    return step_costs(builds, engine, options.price, [" ".join(text.split()) for text in texts])


def _engine(
    options: argparse.Namespace, given: Inputs, name: str, stack: ExitStack
) -> tuple[Engine, Inputs]:
    """The engine that proves, and the inputs with the base that it is given."""
    from dataclasses import replace

    from lab.cli import real_builds

    base = real_builds.base(options.base)
    if base is not None:
        given = replace(given, build_args={**given.build_args, "BASE": base.image.ref})
    engine = stack.enter_context(real_builds.engine(name, base, private=options.private))
    return engine, given


def _prove(
    options: argparse.Namespace,
    engine: Engine,
    given: Inputs,
    one: Advice,
    edits: list[str],
    rules: Rules,
    costs: Mapping[str, float],
) -> Proof:
    """Built with every edit that was asked for, else with some that the rewrite changes."""
    from lab.caching.advise import changed_edits
    from lab.caching.advise.proof import prove

    if not options.edit:
        edits = changed_edits(given, one, edits, rules, costs)[:PROVED]
    return prove(engine, given, one.rewrite, edits, rounds=options.prove, seed=1)
