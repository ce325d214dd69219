"""`lab advise`: rewrites of a Dockerfile that save rebuilds."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments
from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.caching.advise import Advice
    from lab.caching.advise.pricing import Cost, Pricing
    from lab.dockerfile.cachekey import Rules
    from lab.dockerfile.edits import Inputs
    from lab.engines.protocol import Engine

PROVED = 3  # edits that a proof builds where none are named: of those that the rewrite changes
SAMPLED = 40  # files whose change is tried where neither edits nor a history are named


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
        "(default: each file of the context)",
    )
    verb.add_argument("--repo", type=Path, metavar="DIR", help="weigh by this git history instead")
    verb.add_argument("--commits", type=arguments.positive, metavar="N", help="its last N")
    arguments.dockerfile(verb)
    verb.add_argument("--run", metavar="RUN", help="the run whose measured step times are prices")
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
    from lab.caching.advise import gaining, together, unpredicted, weighed
    from lab.caching.advise.render import told
    from lab.caching.predict.inputs import read
    from lab.caching.replay.history import parsed
    from lab.dockerfile.cachekey import archive_rules, client_rules
    from lab.dockerfile.parser import parse
    from lab.engines import features

    given = read(
        options.dockerfile, options.context, arguments.build_args(options.build_arg), options.target
    )
    parsed(given.dockerfile, given.dockerfile_path, given.build_args)
    name, version = arguments.one_engine(options.engine)
    texts = options.edit or _every_file(given)
    with ExitStack() as stack:
        prices = _prices(options, given, name)
        engine = None
        if options.prove:
            engine, given = _engine(options, given, name, stack)
            version = version or engine.facts().version
        rules = (archive_rules if options.prove else client_rules)(name, version)
        pricing = _pricing(options, given, texts, rules, prices, stack)

        def lacks(text: str) -> set[str]:
            found = features.lacks(name, version, parse(text))
            return {why.partition(": ")[2] for why in found}  # without the line, which moves

        def builds(text: str) -> bool:
            return lacks(text) <= lacks(given.dockerfile)

        known = weighed(given, pricing, engine=name, builds=builds)
        found, hidden = gaining(known), gaining(known, altering=True)
        whole = together(given, known, pricing, engine=name, builds=builds)
        found[:0] = [] if whole is None else [whole]
        shown = [*found, *(hidden if options.altering else []), *unpredicted(known)]
        proofs: list[dict[str, Any] | None] = [None] * len(shown)
        if engine is not None:
            for place, one in enumerate(shown):
                wanted = _proving(options, given, one, texts, rules, prices)
                proofs[place] = _prove(engine, given, one, wanted, options.prove)
    if options.json:
        print_json([_as_json(one, proof) for one, proof in zip(shown, proofs, strict=True)])
        return 0
    for line in told(shown, proofs, [] if options.altering else hidden, options.repo is not None):
        say(line)
    return 0


def _pricing(
    options: argparse.Namespace,
    given: Inputs,
    texts: list[str],
    rules: Rules,
    prices: dict[str, float],
    stack: ExitStack,
) -> Pricing:
    """What weighs the rewrites: the history where one is named, else edits."""
    from lab.caching.advise import over_edits, over_history
    from lab.caching.replay import Repository

    if options.repo is None:
        return over_edits(given, texts, rules, prices)
    repository = Repository(options.repo)
    stack.callback(repository.close)
    commits = list(repository.commits(options.commits))
    return over_history(repository, commits, rules, prices, given)


def _every_file(given: Inputs) -> list[str]:
    files = [
        path
        for path, entry in given.context.entries.items()
        if entry.kind == "file" and path not in {given.dockerfile_path, ".dockerignore"}
    ]
    step = max(1, -(-len(files) // SAMPLED))
    return [f"file:{path}" for path in sorted(files)[::step]]


def _prices(options: argparse.Namespace, given: Inputs, engine: str) -> dict[str, float]:
    from lab.caching.replay.step_costs import measured, stated
    from lab.dockerfile.parser import parse
    from lab.results import runs

    found = {}
    if options.run:
        found = measured(runs.load(options.run, options.results).builds, engine)
    texts = [one.text for one in parse(given.dockerfile, given.build_args).instructions]
    return found | stated(options.price, [" ".join(text.split()) for text in texts])


def _engine(
    options: argparse.Namespace, given: Inputs, name: str, stack: ExitStack
) -> tuple[Engine, Inputs]:
    """The engine that proves, and the inputs with the base that it is given."""
    from contextlib import closing
    from dataclasses import replace

    from lab.engines import open_engine
    from lab.images import sources
    from lab.images.sources.types import BaseSource

    base = None
    if options.base:
        source = BaseSource(kind="suite", value=options.base, name=options.base, sha256=None)
        base = sources.base(source, say=_said)
        given = replace(given, build_args={**given.build_args, "BASE": base.image.ref})
    engine = stack.enter_context(closing(open_engine(name, private=options.private, say=_said)))
    if base is not None:
        engine.ensure(base.image)
    return engine, given


def _proving(
    options: argparse.Namespace,
    given: Inputs,
    one: Advice,
    texts: list[str],
    rules: Rules,
    prices: dict[str, float],
) -> list[str]:
    """The edits that are built: all that were asked for, else some of those that it changes."""
    from lab.caching.advise import over_edits
    from lab.caching.advise.gain import Advice as Weighed

    if options.edit:
        return texts
    pricing = over_edits(given, texts, rules, prices)
    rewrite = one.rewrite
    weighed = Weighed(
        rewrite=rewrite,
        before=pricing(given.dockerfile, None),
        after=pricing(rewrite.dockerfile, rewrite.ignore),
        patch=one.patch,
    )
    return (weighed.saves(texts) or texts)[:PROVED]


def _prove(
    engine: Engine, given: Inputs, one: Advice, texts: list[str], rounds: int
) -> dict[str, Any]:
    from lab.caching.advise.proof import prove

    proof = prove(engine, given, one.rewrite, texts, rounds=rounds, seed=1)
    return {
        "edits": texts,
        "ratio": proof.ratio,
        "verdict": proof.verdict,
        "pairs": [*proof.pairs],
    }


def _said(text: str) -> None:
    say(text, on_error=True)


def _as_json(one: Advice, proof: dict[str, Any] | None) -> dict[str, Any]:
    from lab.caching.advise.render import claimed

    return {
        "kind": one.rewrite.kind,
        "why": one.rewrite.why,
        "heed": one.rewrite.heed,
        "alters": one.rewrite.alters,
        "predicted": one.gains,
        "claimed": claimed(one, proof),
        "before": _cost(one.before),
        "after": _cost(one.after),
        "patch": one.patch,
        "proof": proof,
    }


def _cost(one: Cost) -> dict[str, Any]:
    return {"runs": one.runs, "steps": one.steps, "seconds": one.seconds, "cases": one.cases}
