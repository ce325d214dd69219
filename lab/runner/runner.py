"""Drives trials through engines and yields what happens. It neither prints nor writes.

One build runs at a time. Whoever consumes the stream has stored a record before the next build
starts, because the next build only starts when the stream is asked for more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace

from lab.dockerfile.cachekey import CacheInputs
from lab.dockerfile.edits import Inputs, apply
from lab.dockerfile.layouts import Container
from lab.dockerfile.model import Dockerfile
from lab.engines.protocol import Archive, ContainerRequest, Engine
from lab.host.controls.active import ActiveControls
from lab.host.monitor.meter import Meter
from lab.model.errors import DiskFull, EngineLost, SourceError
from lab.model.events import Event, Evicted, Ready
from lab.model.record import Build, BuildStatus
from lab.model.trace_context import TraceContext
from lab.runner import build_record, clock
from lab.runner.build import request
from lab.runner.fresh import FreshEngines, Place, Places, one_engine
from lab.runner.moves import Moves
from lab.runner.recorder import BuildRecorder
from lab.scenario.build_inputs import parsed
from lab.scenario.plan import Phase, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted:
    """A build is about to start; ``host`` is the worker of a fleet that makes it."""

    build_id: str
    trial: Trial
    phase: Phase
    dockerfile: Dockerfile
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished:
    """A build has ended, or was skipped; ``dockerfile`` is the text that was built.

    ``manifest`` names all that it was made from.
    """

    build: Build
    dockerfile: str | None
    manifest: CacheInputs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedContext:
    """The context that a failed build was sent, while it can still be read."""

    build_id: str
    archive: Archive


RunEvent = BuildStarted | Event | FailedContext | BuildFinished


def run(
    trials: Sequence[Trial],
    engine_named: Callable[[str], Engine],
    *,
    labels: Mapping[str, str],
    done: Collection[str] = (),
    controls: ActiveControls | None = None,
    fresh: FreshEngines | None = None,
    wanted: Callable[[Trial], bool] = lambda _: True,
    trace: TraceContext | None = None,
) -> Iterator[RunEvent]:
    """Run trials in their order. ``done`` holds the ids of builds that an earlier run recorded.

    ``wanted`` is asked of each trial just before it would run.

    ``fresh`` opens engines with empty storage for the phases that want one: then all phases of a
    trial are built on engines of its own. ``controls`` are the scenario's; of these the page cache
    is prepared before each build. ``trace``: what engines are told of each build's span.

    A trial of which any build is missing is run again from its first phase: its edits mean
    nothing without the cold build before them. Raises EngineLost when an engine died, DiskFull
    when its disk is full; both after the event that holds the record of the build that met it.
    """
    for trial in trials:
        if trial.done(done) or not wanted(trial):
            continue
        if trial.skip is not None:
            yield from _skipped(trial, trial.phases, trial.skip)
            continue
        engine = engine_named(trial.cell.engine)
        refusal = _prepare(trial, engine, load=fresh is None)
        if refusal is not None:
            yield from _skipped(trial, trial.phases, refusal[1], status=refusal[0])
            continue
        opened = nullcontext(one_engine(engine)) if fresh is None else fresh.places(trial)
        with opened as places, closing(_trial(trial, places, labels, controls, trace)) as events:
            yield from events


def _trial(
    trial: Trial,
    places: Places,
    labels: Mapping[str, str],
    controls: ActiveControls | None,
    trace: TraceContext | None,
) -> Generator[RunEvent, None, None]:
    for number, phase in enumerate(trial.phases):
        inputs = trial.built_from.inputs
        for edit in phase.edits:
            inputs = apply(edit, inputs, trial.token)
        build = None
        with places(phase) as place:
            for base in trial.built_from.bases:
                moved = inputs.base_moved
                place.engine.tag(base.current(moved=moved), base.working, unseen=moved)
            for event in _build(trial, phase, inputs, place, labels, controls, trace):
                if isinstance(event, BuildFinished):
                    build = event.build
                yield event
        if build is not None and build.status != "ok":
            _abort_if_fatal(build)
            if phase.cold:
                left = trial.phases[number + 1 :]
                yield from _skipped(trial, left, "the cold build failed")
                return


def _prepare(trial: Trial, engine: Engine, *, load: bool) -> tuple[BuildStatus, str] | None:
    """Bring what the trial builds on into the engine; or say why the trial cannot be run."""
    try:
        lacks = engine.lacks(trial.built_from.dockerfile, cache=trial.cell.cache)
        if lacks:
            return "skipped", "; ".join(lacks)
        for image in trial.built_from.images if load else ():
            engine.ensure(image)
    except SourceError as error:
        return "failed", f"{error.message} ({error.remedy})" if error.remedy else error.message
    return None


def _build(
    trial: Trial,
    phase: Phase,
    inputs: Inputs,
    place: Place,
    labels: Mapping[str, str],
    controls: ActiveControls | None,
    trace: TraceContext | None,
) -> Iterator[RunEvent]:
    engine, dockerfile = place.engine, parsed(inputs)
    build_id = trial.build_id(phase)
    yield BuildStarted(build_id=build_id, trial=trial, phase=phase, dockerfile=dockerfile)
    tag = f"localhost/lab/build:{labels['io.imagelab.run']}-{build_id}".lower()[:250]
    recorder = BuildRecorder(dockerfile, inputs.target, trial.built_from.marks)
    moves = Moves(place)
    context = inputs.full_context()
    cache_inputs = build_record.cache_inputs(trial, inputs, dockerfile, context, engine)
    started = clock.now()
    with (
        closing(context.archive()) as archive,
        Meter(engine.usage, here=bool(engine.facts().local)) as meter,
    ):
        marked = {**labels, "io.imagelab.build": build_id}
        plain = request(inputs, dockerfile, archive, tag=tag, labels=marked, cold=phase.cold)
        parent = None if trace is None else trace.traceparent(build_id)
        asked = replace(plain, remote=place.remote, traceparent=parent)
        with closing(engine.build(asked)) as events:
            for event in events:
                recorder.add(event)
                moves.add(event)
                yield event
                _meter(event, meter, controls, phase, engine)
                if isinstance(event, Ready):
                    started = clock.now()  # the build's own clock begins
        meter.end()
        outcome = recorder.result()
        if outcome.status == "failed":
            yield FailedContext(build_id=build_id, archive=archive)
        if outcome.status == "ok":
            moves.save(engine, asked)
        times: dict[str, float] = {}
        if outcome.status == "ok" and trial.built_from.container is not None:
            times["image"] = outcome.wall_s
            moved = (trial.built_from.inputs.goroot or "", inputs.goroot or "")
            container = trial.built_from.container.moved(*moved)
            yield from _contain(container, tag, engine, labels, recorder)
            meter.end()
            outcome = recorder.result()
            times["container"] = outcome.wall_s - times["image"]
    build = replace(
        build_record.measured(trial, phase, outcome, meter),
        started=started,
        remote=moves.result(),
        image=build_record.image(engine, tag, outcome.image_id) if outcome.status == "ok" else None,
        marks={**times, **outcome.marks},
        replay=engine.replay_command(build_record.replay_request(trial, inputs, build_id)),
        fit=meter.fitness(controls.disturbs if controls is not None else ()),
    )
    build = build_record.layers(build, dockerfile, inputs.target, engine)
    yield BuildFinished(build=build, dockerfile=dockerfile.text, manifest=cache_inputs)


def _meter(
    event: Event, meter: Meter, controls: ActiveControls | None, phase: Phase, engine: Engine
) -> None:
    """Measure from where the engine is ready, and note what its cache dropped meanwhile."""
    if isinstance(event, Ready):
        if controls is not None:
            meter.page_cache = controls.prepare_page_cache(phase.name, engine.name)
        meter.begin()
    elif isinstance(event, Evicted):
        meter.evicted = event.count


def _contain(
    container: Container,
    tag: str,
    engine: Engine,
    labels: Mapping[str, str],
    recorder: BuildRecorder,
) -> Iterator[Event]:
    """Run the layout's container after its image is built; its time goes on from the build's."""
    built = recorder.result().wall_s
    wanted = ContainerRequest(
        image=tag, command=container.command, tmpfs=container.tmpfs, labels=labels
    )
    with closing(engine.run(wanted)) as events:
        for event in events:
            later = replace(event, at=event.at + built)
            recorder.add(later)
            yield later


def _skipped(
    trial: Trial, phases: Sequence[Phase], reason: str, *, status: BuildStatus = "skipped"
) -> Iterator[BuildFinished]:
    for phase in phases:
        yield BuildFinished(
            build=build_record.unbuilt(trial, phase, status, reason), dockerfile=None
        )


def _abort_if_fatal(build: Build) -> None:
    """Raise where no later build can do better than this one did."""
    if build.status == "engine-lost":
        raise EngineLost(
            f"{build.cell['engine']} was lost during {build.id}: {build.reason}",
            remedy="see that the engine runs again",
        )
    if "no space left on device" in f"{build.reason}{build.log_tail}".lower():
        raise DiskFull(
            f"the disk of {build.cell['engine']} is full: {build.reason}",
            remedy="free some space there",
        )
