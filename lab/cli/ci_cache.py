"""`lab advise --ci`: which cache to give a CI job, and the job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, forms
from lab.cli.output import before_the_answer
from lab.engines import remote_caches
from lab.model.errors import InputError
from lab.model.remote_cache import AXIS, STRATEGIES

if TYPE_CHECKING:
    from lab.caching.git.place import Place
    from lab.caching.runner_cache.render import Told
    from lab.results.runs import StoredRun

COMMITS = 100
_OTHERS = ("edit", "altering", "fail_on", "price", "repo")  # of rewrites


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments, beside those of advice."""
    verb.add_argument(
        "--ci",
        choices=("github", "gitlab"),
        metavar="SYSTEM",
        help="which cache to give a CI job, by the git history and by a run with `caches` (--run, "
        "or built now with --prove ROUNDS), and the job for github or gitlab",
    )
    verb.add_argument(
        "--minute-price", type=_price, metavar="PRICE", help="with --ci: of a runner's minute"
    )
    verb.add_argument(
        "--gigabyte-price",
        type=_price,
        metavar="PRICE",
        help="with --ci: of a gigabyte from or to the registry",
    )
    arguments.stand_in(verb)


def _price(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a price such as 0.008")
    return found


def run(options: argparse.Namespace) -> int:
    """Choose, and print the choice with its job."""
    from lab.caching.runner_cache.render import as_json, lines

    arguments.refuse(options, _OTHERS, "beside --ci, which is of caches, not of rewrites")
    (dockerfile,) = options.dockerfile if len(options.dockerfile) == 1 else (None,)
    if dockerfile is None:
        raise InputError("--ci is of one Dockerfile", remedy="name one of them")
    asked = forms.chosen(options.forms, ("json",))
    told = _told(options, dockerfile)
    with before_the_answer():
        forms.show(
            asked,
            lambda _: forms.json_text(as_json(told)),
            lambda: "\n".join(lines(told)) + "\n",
        )
    return 0


def _told(options: argparse.Namespace, dockerfile: Path) -> Told:
    from lab.caching.git.place import place
    from lab.caching.predict.inputs import read_text
    from lab.caching.replay.commit_predictor import parsed
    from lab.caching.replay.step_costs import measured
    from lab.caching.runner_cache import jobs
    from lab.caching.runner_cache.choice import Prices, choose, histories
    from lab.caching.runner_cache.overhead import overheads
    from lab.caching.runner_cache.render import Told
    from lab.dockerfile.cachekey import client_rules

    text, args = read_text(dockerfile), arguments.build_args(options.build_arg)
    parse = parsed(text, str(dockerfile), args)
    where = place(dockerfile, options.context)
    stored = _run(options, dockerfile, [one.text for one in parse.instructions])
    engine, version = _engine(options, stored)
    costs = measured(stored.builds, engine)
    _refuse_several(stored, engine)
    beside = overheads(stored.builds, engine, costs)
    if not beside:
        raise InputError(
            f"run {stored.run.id} built nothing on a fresh {engine}",
            remedy="name a run with caches and phases fresh, or measure now: --prove 6",
        )
    totals = histories(
        where,
        text,
        client_rules(engine, version),
        list(beside),
        costs,
        commits=options.commits or COMMITS,
        build_args=args,
        target=options.target,
    )
    choice = choose(totals, beside, Prices(options.minute_price, options.gigabyte_price))
    if choice.take is None:
        raise InputError(
            f"{where.folder}: its history has no two commits that could be built",
            remedy="name a repository's Dockerfile, or more --commits",
        )
    project = jobs.Project(
        dockerfile=_inside(where, where.path),
        context=where.inside or ".",
        stages=jobs.stages(parse, options.target),
        build_args=tuple(options.build_arg),
        target=options.target,
    )
    job = jobs.job(options.ci, choice.take.strategy, project)
    return Told(choice=choice, engine=engine, run=stored.run.id, system=options.ci, job=job)


def _refuse_several(stored: StoredRun, engine: str) -> None:
    """Jobs over two lines, or on two bases, are two questions."""
    from lab.caching.runner_cache.overhead import fresh_builds

    cells = [one.cell for one in fresh_builds(stored.builds, engine)]
    for axis in dict.fromkeys(name for cell in cells for name in cell if name != AXIS):
        values = dict.fromkeys(cell.get(axis, "") for cell in cells)
        if len(values) > 1:
            raise InputError(
                f"run {stored.run.id} has jobs of several values of {axis}: {', '.join(values)}",
                remedy=f"name a run with one {axis}: CI's own",
            )


def _inside(where: Place, path: str) -> str:
    return where.held or (f"{where.inside}/{path}" if where.inside else path)


def _run(options: argparse.Namespace, dockerfile: Path, texts: list[str]) -> StoredRun:
    """The run that says what jobs take: named, built now, or the latest of this Dockerfile."""
    from lab.caching.measured.fitting_run import fitting_run
    from lab.results import runs

    if options.prove:
        return _measured(options, dockerfile)
    if options.run:
        return runs.load(options.run, options.results)
    found = fitting_run([" ".join(one.split()) for one in texts], options.results)
    if found is None or AXIS not in found.run.axes:
        raise InputError(
            f"no run in {options.results} built {dockerfile} with caches on fresh engines",
            remedy="name one with --run, or measure now: lab advise --ci github --prove 6",
        )
    return found


def _measured(options: argparse.Namespace, dockerfile: Path) -> StoredRun:
    """Every strategy that the engine can do, built in so many rounds."""
    from lab.cli.api.measuring import View, measure
    from lab.engines import named
    from lab.runner.options import Options
    from lab.scenario import loader, own_project

    (name, version), *_ = named.engine_versions(options.engine or ["docker"])
    caches = [
        one
        for one in STRATEGIES
        if one != "warm-disk" and not remote_caches.lacks(name, version, one, containerd=None)
    ]
    project = own_project.found(dockerfile, options.context)
    bases = [options.base] if options.base else []
    images = arguments.stand_ins(options.base_image)
    own_project.refuse_unread(project, bases, images)
    text = own_project.fresh(
        project, name, caches, rounds=options.prove, bases=bases, images=images
    )
    settings = Options(results=options.results, private=options.private)
    return measure(loader.parse(text), settings, View(stream=sys.stderr, quiet=True))


def _engine(options: argparse.Namespace, stored: StoredRun) -> tuple[str, str]:
    """The engine whose jobs are priced: named, else the run's first that built fresh ones."""
    from lab.engines import named

    told = {one.name: one.version for one in stored.run.engines}
    if options.engine:
        name, version = named.one_engine(options.engine)
        return name, version or told.get(name, "")
    names = (one.cell.get("engine", "") for one in stored.builds if one.cell.get(AXIS))
    name = next(names, "docker")
    return name, told.get(name, "")
