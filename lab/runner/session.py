"""One run, from scenario to records on disk: it is opened, gives trials and drives them.

It neither prints nor parses: whoever opens it gives ``say`` for what is being done and a
``Watcher`` for what happens in the builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

from lab import __version__
from lab.engines.protocol import Engine
from lab.host import facts as host
from lab.host import origin
from lab.host.cgroups import Group
from lab.host.controls import active as controls
from lab.model.errors import LabError
from lab.model.events import Raw
from lab.model.record import Build, Run, RunStatus
from lab.model.trace_context import TraceContext
from lab.results import expectations, store
from lab.results.runs import StoredRun
from lab.runner import clock, prepare, runner, stopping
from lab.runner.early_exit import record_early_exit
from lab.runner.fresh import FreshEngines
from lab.runner.options import Options, Say
from lab.runner.projects import Projects
from lab.scenario import placeholder_images, plan
from lab.scenario.build_inputs import Images
from lab.scenario.model import Own, Scenario
from lab.scenario.plan import Cell, Trial

__all__ = ["Options", "Say", "Session", "Watcher", "run"]


class Watcher(Protocol):
    """Is shown a run while it goes on."""

    def begin(self, trials: Sequence[Trial], folder: Path) -> None:
        """The trials that are about to run, and the folder of their run."""

    def see(self, event: runner.RunEvent) -> None:
        """What happens, in its order."""

    def open(self, comparisons: Sequence[str]) -> None:
        """The comparisons that are not decided yet."""


@dataclass(slots=True, kw_only=True)
class Session:
    """A run's folder and open engines. ``stored`` is the run once its trials were driven."""

    scenario: Scenario
    options: Options
    writer: store.Writer
    engines: Mapping[str, Engine]
    images: prepare.ReadyImages
    projects: Projects
    fresh: FreshEngines | None
    say: Say
    watcher: Watcher
    stored: StoredRun | None = None

    @classmethod
    @contextmanager
    def open(
        cls,
        scenario: Scenario,
        options: Options,
        *,
        say: Say,
        watcher: Watcher,
        resumed: StoredRun | None = None,
        more: bool = False,
    ) -> Iterator[Self]:
        """Open a new run, or go on with ``resumed``: with ``more`` rounds where it is complete.

        An error that ends the run early is raised after the run's head says why; what was built
        until then stays in the folder and ``resumed`` goes on from there.
        """
        if resumed is None:
            plan.refuse_own_dockerfile(scenario)
        # The folder is opened before any slow work: one that cannot be written costs no time.
        opened = (
            store.create(options.results, begun(scenario, options))
            if resumed is None
            else store.resume(resumed.folder, more=more)
        )
        before = resumed.run if resumed is not None and more else None
        with opened as writer, record_early_exit(writer, before), ExitStack() as stack:
            engines = prepare.open_engines(scenario, options, stack, say)
            images = prepare.images(scenario, engines, say)
            here = host.facts(options.results)
            head = prepare.head(writer.run, scenario, engines.values(), images, here)
            if before is not None:
                stopping.same_host(before, head)
            writer.amend(head)

            def warn(text: str) -> None:
                say(f"warning: {text}")
                writer.amend(replace(writer.run, warnings=(*writer.run.warnings, text)))

            projects = stack.enter_context(Projects.open(warn))
            fresh = (
                stack.enter_context(FreshEngines.open(scenario, say)) if scenario.fresh else None
            )
            session = cls(
                scenario=scenario,
                options=options,
                writer=writer,
                engines=engines,
                images=images,
                projects=projects,
                fresh=fresh,
                say=say,
                watcher=watcher,
            )
            if resumed is not None:
                projects.compare(scenario, resumed, session.images_of)
            yield session

    def images_of(self, cell: Cell, asked: Scenario | None = None) -> Images:
        """What a cell builds on, of the session's scenario or of another."""
        if self.images.known:
            return self.images.of(cell)
        every = self.engines[cell.engine].simulated
        return placeholder_images.images(asked or self.scenario, cell.axes, every=every)

    def trials(self, scenario: Scenario | None = None, salt: str = "") -> tuple[Trial, ...]:
        """The trials of the session's scenario in their order, or of another on the same engines
        and images; another ``salt`` makes their edits new to every cache.
        """
        asked = scenario or self.scenario
        return plan.trials(
            asked,
            lambda cell: self.images_of(cell, asked),
            self.projects.of(asked),
            lacks=lambda cell, made: self.engines[cell.engine].lacks(
                made.dockerfile, cache=cell.cache
            ),
            salt=self.writer.run.id + salt,
        )

    @property
    def trace(self) -> TraceContext | None:
        """The run's trace, where it is to have one."""
        to = self.options.collector
        if to is None or "traces" not in to.endpoints:
            return None
        return TraceContext.of(self.writer.run.id, to.traceparent)

    def drive(self, trials: Sequence[Trial]) -> StoredRun:
        """Run the trials, each build on disk before the next begins, and end the run."""
        writer = self.writer
        if self.fresh is None:  # else each engine is brought what it needs when it is opened
            prepare.load(trials, self.engines, self.say)
        groups = _groups(self.engines)
        with controls.hold(self.scenario.controls, groups, say=self.say) as held:
            writer.amend(replace(writer.run, ready=clock.now(), controls=_controls(held)))
            try:
                ended = self._run(trials, held)
            finally:
                _record(held, writer)  # also of a run that ends early
        counted = [build for build in writer.builds if not build.warm_up]
        broken = expectations.check(self.scenario.expect, counted)
        self.stored = writer.finish(status_of(writer.builds), reason=ended, broken=broken)
        return self.stored

    def _run(self, trials: Sequence[Trial], held: controls.ActiveControls) -> str | None:
        """Run the trials; why rounds were left out, if any were."""
        writer, watcher = self.writer, self.watcher
        sampled = stopping.Sampling(
            self.scenario,
            writer.earlier,
            budget=self.options.budget,
            tell=watcher.open,
            baseline=writer.run.options.baseline,
        )
        done = frozenset(build.id for build in writer.earlier if build.status != "engine-lost")

        def wanted(trial: Trial) -> bool:
            self.projects.look()
            return sampled.wanted(trial)

        watcher.begin([trial for trial in trials if not trial.done(done)], writer.folder)
        for event in runner.run(
            trials,
            self.engines.__getitem__,
            labels={"io.imagelab.run": writer.run.id},
            done=done,
            controls=held,
            fresh=self.fresh,
            wanted=wanted,
            trace=self.trace,
        ):
            match event:
                case Raw(at=at, data=data):
                    writer.raw(at, data)
                case runner.BuildStarted(build_id=build_id):
                    writer.begin(build_id)
                case runner.FailedContext(build_id=build_id, archive=archive):
                    with archive.open() as stream:
                        writer.keep_context(build_id, stream)
                case runner.BuildFinished(build=build, dockerfile=text, manifest=manifest):
                    sampled.see(writer.append(build, text, manifest))
                case _:
                    pass
            watcher.see(event)
        self.projects.look()
        return sampled.ended


def run(
    scenario: Scenario,
    options: Options,
    *,
    say: Say,
    watcher: Watcher,
    resumed: StoredRun | None = None,
    more: bool = False,
) -> StoredRun:
    """Run a scenario's own trials and give the run as it is stored."""
    opened = Session.open(scenario, options, say=say, watcher=watcher, resumed=resumed, more=more)
    with opened as session:
        return session.drive(session.trials())


def begun(scenario: Scenario, options: Options) -> Run:
    """The head of a run whose engines are not opened yet."""
    started, work = datetime.now(UTC), scenario.workload
    return Run(
        id=store.new_id(scenario.name, started),
        status="partial",
        scenario=scenario.as_run,
        host=host.facts(options.results),
        engines=(),
        seed=scenario.seed,
        started=started.isoformat(timespec="milliseconds"),
        lab=__version__,
        options=replace(
            scenario.run_options,
            endpoints=dict(options.endpoints),
            private=options.private,
            baseline=options.baseline or scenario.baseline,
            made_by=options.made_by,
        ),
        axes=dict(scenario.axes),
        name=options.name,
        # Of a generated project no file is anywhere: its commit is that of where it was asked for.
        origin=origin.of(work.context if isinstance(work, Own) else Path()),
    )


def _groups(engines: Mapping[str, Engine]) -> dict[str, Group | None]:
    """The control group of each engine that has processes; None where it is not ours to limit."""
    used = {name: one.usage() for name, one in engines.items() if not one.simulated}
    return {name: None if one is None else one.group for name, one in used.items()}


def _controls(held: controls.ActiveControls) -> tuple[dict[str, Any], ...]:
    return tuple(asdict(control) for control in held.outcomes)


def _record(held: controls.ActiveControls, writer: store.Writer) -> None:
    """What became of the page cache is known only after builds."""
    found = _controls(held)
    if found != writer.run.controls:
        with suppress(LabError):
            writer.amend(replace(writer.run, controls=found))


def status_of(builds: Sequence[Build]) -> RunStatus:
    """Complete where anything was built; failed where every build that was tried failed."""
    tried = [build for build in builds if build.status != "skipped"]
    return "failed" if tried and all(build.status == "failed" for build in tried) else "complete"
