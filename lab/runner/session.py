"""One run, from scenario to records on disk: what `lab run` and `lab compare` share.

It neither prints nor parses: whoever calls gives ``say`` for what is being done and a ``Watcher``
for what happens in the builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lab import __version__
from lab.engines import features, open_engine
from lab.engines.protocol import Engine, ImageArchive
from lab.host import controls, signals
from lab.host import facts as host
from lab.host.cgroups import Group
from lab.images import sources as bases
from lab.images.sources.types import Base
from lab.model.errors import LabError, SourceError
from lab.model.events import Raw
from lab.model.record import Build, EngineFacts, HostFacts, Run, RunStatus
from lab.results import expectations, runs, store
from lab.runner import runner, stopping
from lab.runner.early_exit import ending
from lab.scenario import build_inputs, placeholder_images, plan
from lab.scenario.model import Scenario

Say = Callable[[str], None]


class Make(Protocol):
    """Makes a scenario's trials; another salt makes their edits new to every cache."""

    def __call__(self, asked: Scenario, salt: str = "") -> tuple[plan.Trial, ...]:
        """The trials in their order. ``asked`` has the engines and images of the run's own."""


Arrange = Callable[[Make], tuple[plan.Trial, ...]]


class Watcher(Protocol):
    """Is shown a run while it goes on."""

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """The trials that are about to run, and the folder of their run."""

    def see(self, happening: runner.RunEvent) -> None:
        """What happens, in its order."""

    def open(self, comparisons: Sequence[str]) -> None:
        """The comparisons that are not decided yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line adds to a scenario. ``endpoints``: engine -> address."""

    results: Path
    endpoints: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    keep: bool = False
    budget: float | None = None


def run(
    scenario: Scenario,
    options: Options,
    *,
    say: Say,
    watcher: Watcher,
    resumed: runs.StoredRun | None = None,
    more: bool = False,
    arrange: Arrange | None = None,
) -> runs.StoredRun:
    """Run a scenario and give the run as it is stored; ``more`` rounds of a resumed one.

    ``arrange`` may make other trials of the scenario.

    An error that ends the run early is raised after the run's head says why; what was built until
    then stays in the folder and ``resumed`` goes on from there.
    """
    # The folder is opened before any slow work: one that cannot be written costs no time.
    opened = (
        store.create(options.results, _head(scenario, options))
        if resumed is None
        else store.resume(resumed.folder, more=more)
    )
    with opened as writer:
        before = resumed.run if resumed is not None and more else None
        with ending(writer, before), ExitStack() as stack:
            engines = _engines(scenario, options, stack, say)
            images = _images(scenario, engines, say)
            facts = tuple(engine.facts() for engine in engines.values())
            here = host.facts(options.results)
            known: dict[str, Any] = {
                "host": _where_it_is_built(facts, otherwise=here),
                "engines": facts,
                "bases": tuple(_as_record(base) for base in images.known),
            }
            if before is not None:
                stopping.same_host(before, replace(before, **known))
            writer.amend(options={**writer.run.options, **stopping.options(scenario)}, **known)

            def make(asked: Scenario, salt: str = "") -> tuple[plan.Trial, ...]:
                return plan.trials(
                    asked,
                    images.of if images.known else partial(_imagined, asked),
                    plan.project(asked),
                    lacks=lambda cell, inputs: engines[cell.engine].lacks(
                        runner.parse(inputs), base_moves="edit:base" in asked.phases
                    ),
                    salt=writer.run.id + salt,
                )

            trials = make(scenario) if arrange is None else arrange(make)
            _load(trials, engines, say)
            held = stack.enter_context(controls.hold(scenario.controls, _groups(engines), say=say))
            stack.callback(_tell, held, writer)  # also of a run that ends early
            writer.amend(ready=_now(), controls=_controls(held))
            sampled = stopping.Sampling(
                scenario, writer.earlier, budget=options.budget, tell=watcher.open
            )
            _drive(trials, engines, writer, watcher, held, sampled)
        stored = runs.load(writer.folder, options.results)
        broken = expectations.check(scenario.expect, stored.counted)
        writer.finish(_status(stored.builds), reason=sampled.ended, broken=broken)
    return runs.load(writer.folder, options.results)


def planned(scenario: Scenario) -> tuple[plan.Trial, ...]:
    """The trials without building, fetching or asking anything: what `plan` and `render` show.

    Refs of bases stand for what the lab would make; what an engine lacks is told by its kind, not
    by its version.
    """
    return plan.trials(
        scenario,
        partial(_imagined, scenario),
        plan.project(scenario),
        lacks=lambda cell, inputs: features.lacks(cell.engine, "", runner.parse(inputs)),
    )


def _head(scenario: Scenario, options: Options) -> Run:
    started = datetime.now(UTC)
    return Run(
        id=store.new_id(scenario.name, started),
        status="partial",
        scenario=scenario.as_run,
        host=host.facts(options.results),
        engines=(),
        seed=scenario.seed,
        started=started.isoformat(timespec="milliseconds"),
        lab=__version__,
        options={
            "engines": list(scenario.engines),
            **stopping.options(scenario),
            "endpoints": dict(options.endpoints),
            "private": options.private,
        },
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _engines(scenario: Scenario, options: Options, stack: ExitStack, say: Say) -> dict[str, Engine]:
    engines: dict[str, Engine] = {}
    stack.callback(_close, engines)
    for name in scenario.engines:
        engine = open_engine(
            name,
            options.endpoints.get(name),
            private=options.private,
            keep=options.keep,
            say=say,
        )
        engines[name] = engine
    return engines


def _groups(engines: Mapping[str, Engine]) -> dict[str, Group | None]:
    """The control group of each engine that has processes; None where it is not ours to limit."""
    used = {name: one.usage() for name, one in engines.items() if not one.simulated}
    return {name: None if one is None else one.group for name, one in used.items()}


def _controls(held: controls.ActiveControls) -> tuple[dict[str, Any], ...]:
    return tuple(asdict(control) for control in held.told)


def _tell(held: controls.ActiveControls, writer: store.Writer) -> None:
    """What became of the page cache is known only after builds."""
    told = _controls(held)
    if told != writer.run.controls:
        with suppress(LabError):
            writer.amend(controls=told)


def _close(engines: Mapping[str, Engine]) -> None:
    # A second Ctrl-C must not leave a daemon's mounts behind.
    with signals.shielded(), ThreadPoolExecutor() as pool:
        for closing in [pool.submit(engine.close) for engine in engines.values()]:
            closing.result()


@dataclass(frozen=True, slots=True)
class _Provided:
    bases: Mapping[str, Base]
    toolchains: Mapping[tuple[str, str], Base]

    @property
    def known(self) -> tuple[Base, ...]:
        # A base that brings its own Go is its own toolchain.
        return tuple(dict.fromkeys((*self.bases.values(), *self.toolchains.values())))

    def of(self, cell: plan.Cell) -> build_inputs.Images:
        base, toolchain = cell.axes["base"], cell.axes["toolchain"]
        return build_inputs.Images(
            base=self.bases.get(base), toolchain=self.toolchains.get((base, toolchain))
        )


def _imagined(scenario: Scenario, cell: plan.Cell) -> build_inputs.Images:
    return placeholder_images.images(scenario, cell.axes)


def _images(scenario: Scenario, engines: Mapping[str, Engine], say: Say) -> _Provided:
    """What the engines that can run something build on; a simulated one takes any name for it."""
    if all(engine.simulated for engine in engines.values()):
        return _Provided({}, {})
    made = {source.name: bases.base(source, say=say) for source in scenario.bases}
    return _Provided(
        made,
        {
            (name, source.name): bases.with_toolchain(base, source, say=say)
            for name, base in made.items()
            for source in scenario.toolchains
        },
    )


def _where_it_is_built(engines: Sequence[EngineFacts], otherwise: HostFacts) -> HostFacts:
    """The machine of the first engine that tells of one: a simulated engine has none."""
    return next((one.host for one in engines if one.host != HostFacts()), otherwise)


def _as_record(base: Base) -> dict[str, object]:
    return {
        "name": base.name,
        "ref": base.image.ref,
        "digest": base.digest,
        "glibc": base.glibc,
        "go": base.go,
        "origin": base.origin,
    }


def _load(trials: Sequence[plan.Trial], engines: Mapping[str, Engine], say: Say) -> None:
    """Bring every image into its engine, into several engines at the same time."""
    wanted: dict[str, dict[ImageArchive, None]] = {}
    for trial in trials:
        if trial.skip is None:
            here = wanted.setdefault(trial.cell.engine, {})
            here |= {image: None for image in trial.images if image.path is not None}
    names = [name for name, images in wanted.items() if images]
    if not names:
        return
    say(f"loading the bases into {', '.join(names)}")
    with ThreadPoolExecutor() as pool:
        for loading in [pool.submit(_bring, engines[name], wanted[name]) for name in names]:
            loading.result()


def _bring(engine: Engine, images: Iterable[ImageArchive]) -> None:
    for image in images:
        with suppress(SourceError):  # it is told by the trials that need the image
            engine.ensure(image)


def _drive(
    trials: Sequence[plan.Trial],
    engines: Mapping[str, Engine],
    writer: store.Writer,
    watcher: Watcher,
    held: controls.ActiveControls,
    sampled: stopping.Sampling,
) -> None:
    done = frozenset(build.id for build in writer.earlier if build.status != "engine-lost")
    labels = {"io.imagelab.run": writer.run.id}
    watcher.begin([trial for trial in trials if not trial.done(done)], writer.folder)
    running = runner.run(
        trials,
        engines.__getitem__,
        labels=labels,
        done=done,
        held=held,
        wanted=sampled.wanted,
    )
    for happening in running:
        match happening:
            case Raw(at=at, data=data):
                writer.raw(at, data)
            case runner.BuildStarted(build_id=build_id):
                writer.begin(build_id)
            case runner.FailedContext(build_id=build_id, archive=archive):
                with archive.open() as stream:
                    writer.keep_context(build_id, stream)
            case runner.BuildFinished(build=build, dockerfile=text, manifest=manifest):
                writer.append(build, text, manifest)
                sampled.see(build)
            case _:
                pass
        watcher.see(happening)


def _status(builds: Sequence[Build]) -> RunStatus:
    """Complete where anything was built; failed where every build that was tried failed."""
    tried = [build for build in builds if build.status != "skipped"]
    return "failed" if tried and all(build.status == "failed" for build in tried) else "complete"
