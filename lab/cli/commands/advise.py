"""`lab advise`: rewrites of a Dockerfile that save rebuilds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments, ci_cache, line_findings

if TYPE_CHECKING:
    from lab.caching.advise import Advice
    from lab.caching.advise.proof import Proof
    from lab.cli.api.advice import Advised, Question
    from lab.dockerfile.cachekey import Rules
    from lab.engines.protocol import Engine
    from lab.model.record import Build

PROVED = 3  # edits that a proof builds where none are named: of those that the rewrite changes


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    line_findings.options(verb)
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
    ci_cache.options(verb)
    arguments.private(verb)
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Advise by prediction, and prove where asked."""
    if options.ci:
        return ci_cache.run(options)
    arguments.refuse(options, ("minute_price", "gigabyte_price", "base_image"), "without --ci")
    answers = line_findings.ask(options, lambda path: _advised(options, path))
    return line_findings.end(answers, options, "lab advise", _value)


def _value(told: Sequence[Advised]) -> Any:
    """The rewrites of all Dockerfiles, each with the one that it is of."""
    from lab.caching.advise.render import as_json

    return [
        {"dockerfile": found.place} | as_json(one, proof)
        for found in told
        for one, proof in zip(found.rewrites, found.proofs, strict=True)
    ]


def _advised(options: argparse.Namespace, dockerfile: Path) -> Advised:
    from lab.cli.api.advice import answer, question
    from lab.dockerfile.cachekey import archive_rules, client_rules

    asked = question(
        dockerfile,
        options.context,
        edits=options.edit,
        engines=options.engine,
        build_args=arguments.build_args(options.build_arg),
        target=options.target,
        repo=options.repo,
        commits=options.commits,
    )
    asked = replace(asked, costs=_costs(options, asked))
    if not options.prove:
        rules = client_rules(asked.engine, asked.version)
        return answer(asked, rules, altering=options.altering)
    with ExitStack() as stack:
        engine, asked = _engine(options, asked, stack)
        rules = archive_rules(asked.engine, asked.version, engine.facts().storage)
        found = answer(asked, rules, altering=options.altering)
        proofs = [_prove(options, engine, asked, one, rules) for one in found.rewrites]
    return replace(found, proofs=tuple(proofs))


def _costs(options: argparse.Namespace, asked: Question) -> Mapping[str, float]:
    from lab.caching.replay.step_costs import step_costs
    from lab.dockerfile.parser import parse

    builds: Sequence[Build] = ()
    if options.run:
        from lab.results import runs

        builds = runs.load(options.run, options.results).builds
    given = asked.given
    texts = [one.text for one in parse(given.dockerfile, given.build_args).instructions]
    return step_costs(
        builds, asked.engine, options.price, [" ".join(text.split()) for text in texts]
    )


def _engine(
    options: argparse.Namespace, asked: Question, stack: ExitStack
) -> tuple[Engine, Question]:
    """The engine that proves, and the question with the base that it is given."""
    from lab.cli import real_builds

    base = real_builds.base(options.base)
    given = asked.given
    if base is not None:
        given = replace(given, build_args={**given.build_args, "BASE": base.image.ref})
    engine = stack.enter_context(real_builds.engine(asked.engine, base, private=options.private))
    version = asked.version or engine.facts().version
    return engine, replace(asked, given=given, version=version)


def _prove(
    options: argparse.Namespace, engine: Engine, asked: Question, one: Advice, rules: Rules
) -> Proof:
    """Built with every edit that was asked for, else with some that the rewrite changes."""
    from lab.caching.advise import changed_edits
    from lab.caching.advise.proof import prove

    edits: Sequence[str] = asked.edits
    if not options.edit:
        edits = changed_edits(asked.given, one, edits, rules, asked.costs)[:PROVED]
    return prove(engine, asked.given, one.rewrite, edits, rounds=options.prove, seed=1)
