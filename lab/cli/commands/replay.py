"""`lab replay`: a git history against a layer cache, without building."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments
from lab.cli.output import print_json, say, say_all
from lab.engines import named, remote_caches
from lab.model.errors import InputError
from lab.model.remote_cache import STRATEGIES, WARM

if TYPE_CHECKING:
    from lab.caching.replay import Commit, CommitPredictor, Replay, Repository
    from lab.caching.replay.real_builds import Compared
    from lab.dockerfile.cachekey import Rules


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="default: here")
    verb.add_argument("--commits", type=arguments.positive, metavar="N", help="the last N of HEAD")
    verb.add_argument("--first-parent", action="store_true", help="the main line alone")
    verb.add_argument(
        "--dockerfile",
        action="append",
        default=[],
        metavar="FILE",
        help="a file on disk, for every commit; or a path in the repository, as it was in each "
        "(default: Dockerfile); repeatable, side by side",
    )
    arguments.dockerfile(verb)
    verb.add_argument(
        "--cache",
        action="append",
        choices=STRATEGIES,
        default=[],
        metavar="STRATEGY",
        help="each commit on a fresh engine, as of a new CI runner, that restores by it what the "
        f"commit before left: {', '.join(STRATEGIES)} (docs/fresh-runner.md); repeatable, side by "
        "side; default: warm-disk, one engine for all commits",
    )
    verb.add_argument("--run", metavar="RUN", help="the run whose measured step times are used")
    verb.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="START=SECONDS",
        help="of every instruction that starts so; goes before --run",
    )
    verb.add_argument(
        "--build-last", type=arguments.positive, metavar="N", help="build the last N and compare"
    )
    arguments.earlier(verb, "--build", dest="build_last", type=arguments.positive)
    verb.add_argument(
        "--base", metavar="SUITE", help="with --build-last: the ARG BASE, bootstrapped"
    )
    arguments.private(verb)
    arguments.results(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Replay, and build some where asked."""
    from lab.caching.replay import Repository, replay
    from lab.caching.replay.render import as_json, lines

    if options.cache and options.build_last:
        raise InputError(
            "--build-last builds on one engine, and --cache is of fresh ones",
            remedy="leave one of them out; lab run with caches measures fresh engines",
        )
    with closing(Repository(options.repo)) as repository:
        commits = list(repository.commits(options.commits, first_parent=options.first_parent))
        totals = replay(_replays(options, repository, commits), commits)
        built = _built(options, repository, commits) if options.build_last else []
    if options.json:
        print_json({"replayed": [as_json(one) for one in totals], "built": built or None})
        return 0
    say_all(lines(totals))
    for one in built:
        say(f"{one['name']}: {one['right']} of {one['steps']} steps built as predicted")
        say_all(f"  {wrong}" for wrong in one["wrong"])
    return 0


def _replays(
    options: argparse.Namespace, repository: Repository, commits: list[Commit]
) -> list[Replay]:
    """Each Dockerfile by the rules of each engine."""
    from lab.caching.replay import Replay
    from lab.caching.replay.step_costs import step_costs
    from lab.dockerfile.cachekey import client_rules
    from lab.results import runs

    args = arguments.build_args(options.build_arg)
    builds = runs.load(options.run, options.results).builds if options.run else ()
    found = []
    engines = named.engine_versions(options.engine or ["docker"])
    for strategy, (engine, version), name in product(
        options.cache or [WARM], engines, options.dockerfile or ["Dockerfile"]
    ):
        remote_caches.able([(engine, version)], strategy, named=True)
        rules = client_rules(engine, version)
        predictor = _predictor(options, repository, name, rules, args, strategy)
        instructions = predictor.instructions(commits[-1] if commits else None)
        if instructions is None:
            raise InputError(
                f"the last commit has no Dockerfile that can be read at {name!r}"
                + (f" with a stage {options.target!r}" if options.target else ""),
                remedy="name a file on disk, or a path in the repository, with --dockerfile",
            )
        costs = step_costs(builds, engine, options.price, instructions)
        what = f"{engine}, {strategy}" if options.cache else engine
        found.append(Replay(predictor=predictor, costs=costs, name=f"{name} ({what})"))
    return found


def _predictor(
    options: argparse.Namespace,
    repository: Repository,
    name: str,
    rules: Rules,
    args: Mapping[str, str],
    strategy: str = WARM,
) -> CommitPredictor:
    """Of a file on disk, the same for every commit; else of a path in the repository."""
    from lab.caching.predict.inputs import read_text
    from lab.caching.replay import CommitPredictor
    from lab.caching.replay.commit_predictor import parsed

    path, text = name, None
    if name != "Dockerfile" and Path(name).is_file():
        path, text = "Dockerfile", read_text(Path(name))
        parsed(text, name, args)  # its own name in what is wrong with it
    predictor = CommitPredictor(
        repository, rules, path=path, text=text, build_args=args, target=options.target
    )
    predictor.strategy = strategy
    return predictor


def _built(
    options: argparse.Namespace, repository: Repository, commits: list[Commit]
) -> list[dict[str, Any]]:
    """Of each engine and each Dockerfile, how many steps of the last commits came as predicted."""
    from lab.caching.replay.real_builds import build
    from lab.cli import real_builds
    from lab.dockerfile.cachekey import archive_rules

    base = real_builds.base(options.base)
    args = arguments.build_args(options.build_arg)
    args |= {} if base is None else {"BASE": base.image.ref}
    found = []
    for name, version in named.engine_versions(options.engine or ["docker"]):
        with real_builds.engine(name, base, private=options.private) as engine:
            rules = archive_rules(name, version or engine.facts().version)
            for file in options.dockerfile or ["Dockerfile"]:
                predictor = _predictor(options, repository, file, rules, args)
                steps = build(repository, engine, predictor, commits[-options.build_last :], args)
                found.append(_agreement(f"{file} ({name})", list(steps)))
    return found


def _agreement(name: str, found: list[Compared]) -> dict[str, Any]:
    wrong = [
        f"{one.commit[:12]} {one.instruction[:50]}: predicted {one.predicted}, was {one.real}"
        for one in found
        if not one.right
    ]
    return {"name": name, "steps": len(found), "right": len(found) - len(wrong), "wrong": wrong}
