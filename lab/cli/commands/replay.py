"""`lab replay`: a git history against a layer cache, without building."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments
from lab.cli.output import print_json, say
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.caching.replay import Commit, Replay, Repository
    from lab.caching.replay.real_builds import Compared


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
    verb.add_argument("--run", metavar="RUN", help="the run whose measured step times are prices")
    verb.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="START=SECONDS",
        help="of every instruction that starts so; goes before --run",
    )
    verb.add_argument(
        "--build", type=arguments.positive, metavar="K", help="build the last K and compare"
    )
    verb.add_argument("--base", metavar="SUITE", help="with --build: the ARG BASE, bootstrapped")
    arguments.private(verb)
    arguments.results(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Replay, and build some where asked."""
    from lab.caching.replay import Repository, replay
    from lab.caching.replay.render import as_json, lines

    given = arguments.build_args(options.build_arg)
    with closing(Repository(options.repo)) as repository:
        commits = list(repository.commits(options.commits, first_parent=options.first_parent))
        several = _replays(options, repository, commits, given)
        replay(several, commits)
        totals = [one.total for one in several]
        built = _built(options, repository, commits, given) if options.build else []
    if options.json:
        print_json({"replayed": [as_json(one) for one in totals], "built": built or None})
        return 0
    for line in lines(totals):
        say(line)
    for one in built:
        say(f"{one['name']}: {one['right']} of {one['steps']} steps built as predicted")
        for wrong in one["wrong"]:
            say(f"  {wrong}")
    return 0


def _replays(
    options: argparse.Namespace,
    repository: Repository,
    commits: list[Commit],
    given: dict[str, str],
) -> list[Replay]:
    from lab.caching.replay import Replay
    from lab.caching.replay.history import parsed
    from lab.caching.replay.step_costs import measured, stated
    from lab.dockerfile.cachekey import client_rules
    from lab.results import runs

    stored = runs.load(options.run, options.results) if options.run else None
    several = []
    for engine, version in arguments.engine_versions(options.engine or ["docker"]):
        prices = measured(stored.builds, engine) if stored else {}
        for name in options.dockerfile or ["Dockerfile"]:
            path, text = _dockerfile(name)
            if text is not None:
                parsed(text, name, given)  # its own name in what is wrong with it
            one = Replay(
                repository,
                client_rules(engine, version),
                prices,
                path=path,
                text=text,
                build_args=given,
                target=options.target,
            )
            one.total.name = f"{name} ({engine})"
            if text is None and commits and one.add(commits[-1]) is None:
                raise InputError(
                    f"the last commit has no Dockerfile that can be read at {name!r}"
                    + (f" with a stage {options.target!r}" if options.target else ""),
                    remedy="name a file on disk, or a path in the repository, with --dockerfile",
                )
            known = one.instructions
            one = one.again()
            one.price(stated(options.price, known))
            several.append(one)
    return several


def _dockerfile(name: str) -> tuple[str, str | None]:
    from lab.caching.predict.inputs import read_text

    file = Path(name)
    if name == "Dockerfile" or not file.is_file():
        return name, None
    return "Dockerfile", read_text(file)


def _built(
    options: argparse.Namespace,
    repository: Repository,
    commits: list[Commit],
    given: dict[str, str],
) -> list[dict[str, Any]]:
    """Of each engine and each Dockerfile, how many steps of the last commits came as predicted."""
    from lab.caching.replay import Replay
    from lab.caching.replay.real_builds import build
    from lab.dockerfile.cachekey import archive_rules
    from lab.engines import open_engine
    from lab.images import sources
    from lab.images.sources.types import Base, BaseSource

    base: Base | None = None
    if options.base:
        source = BaseSource(kind="suite", value=options.base, name=options.base, sha256=None)
        base = sources.base(source, say=_said)
        given = {**given, "BASE": base.image.ref}
    told = []
    for name, version in arguments.engine_versions(options.engine or ["docker"]):
        with closing(open_engine(name, private=options.private, say=_said)) as engine:
            if base is not None:
                engine.ensure(base.image)
            rules = archive_rules(name, version or engine.facts().version)
            for file in options.dockerfile or ["Dockerfile"]:
                path, text = _dockerfile(file)
                one = Replay(
                    repository,
                    rules,
                    {},
                    path=path,
                    text=text,
                    build_args=given,
                    target=options.target,
                )
                found = build(repository, engine, one, commits[-options.build :], given)
                told.append(_agreement(f"{file} ({name})", list(found)))
    return told


def _agreement(name: str, found: list[Compared]) -> dict[str, Any]:
    wrong = [
        f"{one.commit[:12]} {one.instruction[:50]}: predicted {one.predicted}, was {one.real}"
        for one in found
        if not one.right
    ]
    return {"name": name, "steps": len(found), "right": len(found) - len(wrong), "wrong": wrong}


def _said(text: str) -> None:
    say(text, on_error=True)
