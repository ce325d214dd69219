"""A scenario run over a fleet: from the question who can build it to its records on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from lab.engines.protocol import Archive
from lab.host.content_cache import sha256
from lab.host.controls.types import Controls
from lab.images.sources.types import Base
from lab.model import engine_name
from lab.model.errors import InputError
from lab.model.record import EngineFacts, HostFacts, Run
from lab.results import expectations, store
from lab.results.runs import StoredRun
from lab.runner import clock, prepare
from lab.runner.early_exit import record_early_exit
from lab.runner.fleet import placement, wire
from lab.runner.fleet.calls import Calls
from lab.runner.fleet.home import Home
from lab.runner.fleet.hosts import Host, Hosts
from lab.runner.fleet.placement import Placement
from lab.runner.fleet.security import Place
from lab.runner.options import Options, Say
from lab.runner.prepare import ReadyImages
from lab.runner.projects import Projects
from lab.runner.session import Watcher, begun, status_of
from lab.runner.stopping import Sampling
from lab.scenario import placeholder_images, plan
from lab.scenario.build_inputs import Images
from lab.scenario.model import Own, Scenario
from lab.scenario.plan import Cell

Files = dict[str, Callable[[], BinaryIO]]


def run(
    scenario: Scenario,
    options: Options,
    where: Place,
    *,
    say: Say,
    watcher: Watcher,
    resumed: StoredRun | None = None,
) -> StoredRun:
    """Run it, or go on with ``resumed``. Raises InputError where a cell can be built nowhere."""
    _refuse(scenario, options)
    if resumed is None:
        plan.refuse_own_dockerfile(scenario)
    with Calls(where) as calls:
        workers = list(calls.first().values())
        placed = placement.place(scenario, workers, options.baseline)
        placed.refuse_nowhere()
        opened = (
            store.create(options.results, begun(scenario, options))
            if resumed is None
            else store.resume(resumed.folder)
        )
        with opened as writer, record_early_exit(writer, None):
            return _run(scenario, options, calls, placed, workers, writer, say, watcher)


def _refuse(scenario: Scenario, options: Options) -> None:
    """Raises InputError for what a fleet does not do."""
    reasons = {
        "phases on fresh engines": scenario.fresh,
        "controls of the machine": scenario.controls != Controls(),
        "engines at addresses": bool(options.endpoints),
        "traces": options.collector is not None,
    }
    for what, asked in reasons.items():
        if asked:
            raise InputError(
                f"a fleet has no {what}", remedy="run this scenario on one host, without --fleet"
            )


def _run(
    scenario: Scenario,
    options: Options,
    calls: Calls,
    placed: Placement,
    workers: Sequence[Mapping[str, Any]],
    writer: store.Writer,
    say: Say,
    watcher: Watcher,
) -> StoredRun:
    real = any(engine_name.runs_containers(name) for name in scenario.engines)
    images = prepare.made_images(scenario, say) if real else ReadyImages({}, {})
    writer.amend(_head(writer.run, scenario, placed, workers, images))

    def warn(text: str) -> None:
        say(f"warning: {text}")
        writer.amend(replace(writer.run, warnings=(*writer.run.warnings, text)))

    for text in placed.split:
        if text not in writer.run.warnings:
            warn(text)
    with Projects.open(warn) as projects, closing(projects.of(scenario).archive()) as archive:
        trials = plan.trials(
            scenario, _images_of(scenario, images), projects.of(scenario), salt=writer.run.id
        )
        done = frozenset(one.id for one in writer.earlier if one.status != "engine-lost")
        left = [one for one in trials if not one.done(done)]
        placed.fill(left)
        files, session = _travelling(scenario, options, writer.run.id, images, archive)
        sampled = Sampling(
            scenario,
            writer.earlier,
            budget=options.budget,
            tell=watcher.open,
            baseline=writer.run.options.baseline,
        )
        watcher.begin(left, writer.folder)
        writer.amend(replace(writer.run, ready=clock.now()))
        with Hosts(calls, writer.run.id, session, files) as hosts:
            Home(
                hosts=hosts,
                groups=placed.groups,
                writer=writer,
                attempts=scenario.attempts,
                wanted=sampled.wanted,
                see=watcher.see,
                stored=sampled.see,
                warn=warn,
                join=lambda host: _join(host, scenario, placed, writer),
            ).drive()
        projects.look()
    counted = [build for build in writer.builds if not build.warm_up]
    broken = expectations.check(scenario.expect, counted)
    return writer.finish(status_of(writer.builds), reason=sampled.ended, broken=broken)


def _join(host: Host, scenario: Scenario, placed: Placement, writer: store.Writer) -> None:
    """A worker is there from now on: it may build, and the run's head has it."""
    placed.join(scenario, host.facts)
    if host.name not in {one["name"] for one in writer.run.hosts}:
        writer.amend(replace(writer.run, hosts=(*writer.run.hosts, _stated(host.facts))))


def _images_of(scenario: Scenario, images: ReadyImages) -> Callable[[Cell], Images]:
    def of(cell: Cell) -> Images:
        if images.known:
            return images.of(cell)
        return placeholder_images.images(scenario, cell.axes)

    return of


def _head(
    begun: Run,
    scenario: Scenario,
    placed: Placement,
    workers: Sequence[Mapping[str, Any]],
    images: ReadyImages,
) -> Run:
    """The run's head: the hosts that can build of it, and the engines there."""
    able = {name for group in placed.groups for name in group.hosts}
    used = [one for one in workers if one["name"] in able]
    engines: dict[str, EngineFacts] = {}
    for worker in used:
        for told in worker["engines"]:
            if told["name"] in scenario.engines:
                facts = EngineFacts(**{**told, "host": HostFacts(**told["host"])})
                engines.setdefault(facts.name, facts)
    return replace(
        begun,
        host=_shared([one["host"] for one in used]),
        hosts=tuple(map(_stated, used)),
        engines=tuple(engines[name] for name in scenario.engines),
        bases=tuple(prepare.as_record(base) for base in images.known),
        options=replace(
            begun.options, rounds=scenario.rounds, until=scenario.until, warm_up=scenario.warm_up
        ),
    )


def _shared(hosts: Sequence[Mapping[str, Any]]) -> HostFacts:
    """What is true of every host; what they differ in is not known of the run."""
    first = hosts[0]
    return HostFacts(
        **{
            name: value if all(one[name] == value for one in hosts) else None
            for name, value in first.items()
        }
    )


def _stated(worker: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker says of itself, as a head keeps it."""
    return {name: value for name, value in worker.items() if name != "address"}


def _travelling(
    scenario: Scenario, options: Options, run: str, images: ReadyImages, archive: Archive
) -> tuple[Files, str]:
    """What every worker needs: files by digest, and what its builder is told of the run."""
    files: Files = {}

    def named(base: Base) -> Base:
        sent = replace(base.image, path=_digest(base.image.path))
        other = base.moved and replace(base.moved, path=_digest(base.moved.path))
        return replace(base, image=sent, moved=other)

    def _digest(path: Path | None) -> Path | None:
        if path is None:
            return None
        digest = sha256(path)
        files[digest] = lambda: path.open("rb")
        return Path(digest)

    context = None
    if isinstance(scenario.workload, Own):
        with archive.open() as stream:
            context = hashlib.sha256(stream.read()).hexdigest()
        files[context] = archive.open
    told = {
        "run": run,
        "scenario": scenario,
        "private": options.private,
        "context": context,
        "bases": [named(base) for base in images.bases.values()],
        "toolchains": [(*key, named(base)) for key, base in images.toolchains.items()],
        "named": {ref: named(base) for ref, base in images.named.items()},
    }
    return files, wire.pack(told)
