"""Drives trials through engines and tells what happens. It neither prints nor writes.

One build runs at a time. Whoever consumes the stream has stored a record before the next build
starts, because the next build only starts when the stream is asked for more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from lab.dockerfile.cachekey import CacheInputs
from lab.dockerfile.cachekey import make as make_manifest
from lab.dockerfile.edits import Inputs, apply
from lab.dockerfile.layouts import Container
from lab.dockerfile.model import Dockerfile
from lab.engines.protocol import Archive, ContainerRequest, Engine, ReplayRequest
from lab.host.controls.active import ActiveControls
from lab.host.monitor.meter import Meter
from lab.model.errors import DiskFull, EngineLost, SourceError
from lab.model.events import Event, Evicted, Ready
from lab.model.record import Build, BuildStatus, Image
from lab.runner.build import request
from lab.runner.recorder import BuildRecorder
from lab.scenario.build_inputs import parsed
from lab.scenario.plan import Phase, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted:
    """A build is about to start."""

    build_id: str
    trial: Trial
    phase: Phase
    dockerfile: Dockerfile


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
    held: ActiveControls | None = None,
    wanted: Callable[[Trial], bool] = lambda _: True,
) -> Iterator[RunEvent]:
    """Run trials in their order. ``done`` holds the ids of builds that an earlier run recorded.

    ``wanted`` is asked of each trial just before it would run.

    ``held`` are the scenario's controls; of these the page cache is prepared before each build.

    A trial of which any build is missing is run again from its first phase: its edits mean
    nothing without the cold build before them. Raises EngineLost when an engine died, DiskFull
    when its disk is full; both after the record of the build that met it was told.
    """
    for trial in trials:
        if trial.done(done) or not wanted(trial):
            continue
        if trial.skip is not None:
            yield from _skipped(trial, trial.phases, trial.skip)
            continue
        engine = engine_named(trial.cell.engine)
        with closing(_trial(trial, engine, labels, held)) as happenings:
            yield from happenings


def _trial(
    trial: Trial, engine: Engine, labels: Mapping[str, str], held: ActiveControls | None
) -> Generator[RunEvent, None, None]:
    refusal = _prepare(trial, engine)
    if refusal is not None:
        yield from _skipped(trial, trial.phases, refusal[1], status=refusal[0])
        return
    for number, phase in enumerate(trial.phases):
        inputs = trial.inputs
        for edit in phase.edits:
            inputs = apply(edit, inputs, trial.token)
        _move_bases(trial, engine, moved=inputs.base_moved)
        build = None
        for happening in _build(trial, phase, inputs, engine, labels, held):
            if isinstance(happening, BuildFinished):
                build = happening.build
            yield happening
        if build is not None and build.status != "ok":
            _stop_if_hopeless(build)
            if phase.cold:
                why = f"the cold build failed: {build.reason}"
                yield from _skipped(trial, trial.phases[number + 1 :], why)
                return


def _prepare(trial: Trial, engine: Engine) -> tuple[BuildStatus, str] | None:
    """Bring what the trial builds on into the engine; or say why the trial cannot be run."""
    try:
        lacks = engine.lacks(parsed(trial.inputs))
        if lacks:
            return "skipped", "; ".join(lacks)
        for image in trial.images:
            engine.ensure(image)
    except SourceError as error:
        return "failed", f"{error.message} ({error.remedy})" if error.remedy else error.message
    return None


def _move_bases(trial: Trial, engine: Engine, *, moved: bool) -> None:
    for base in trial.bases:
        engine.tag(base.moved if moved else base.original, base.working)


def _build(
    trial: Trial,
    phase: Phase,
    inputs: Inputs,
    engine: Engine,
    labels: Mapping[str, str],
    held: ActiveControls | None,
) -> Iterator[RunEvent]:
    dockerfile = parsed(inputs)
    build_id = trial.build_id(phase)
    yield BuildStarted(build_id=build_id, trial=trial, phase=phase, dockerfile=dockerfile)
    tag = f"localhost/lab/build:{labels['io.imagelab.run']}-{build_id}".lower()[:250]
    fold = BuildRecorder(dockerfile, inputs.target, trial.marks)
    manifest = _manifest(trial, inputs, dockerfile, engine)
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    with (
        closing(inputs.full_context().archive()) as archive,
        Meter(engine.usage, here=bool(engine.facts().local)) as meter,
    ):
        marked = {**labels, "io.imagelab.build": build_id}
        asked = request(inputs, dockerfile, archive, tag=tag, labels=marked, cold=phase.cold)
        with closing(engine.build(asked)) as told:
            for event in told:
                fold.add(event)
                yield event
                if isinstance(event, Ready):
                    if held is not None:
                        meter.page_cache = held.prepare_page_cache(phase.name, engine.name)
                    meter.begin()
                elif isinstance(event, Evicted):
                    meter.evicted = event.count
        meter.end()
        folded = fold.result()
        if folded.status == "failed":
            yield FailedContext(build_id=build_id, archive=archive)
        marks: dict[str, float] = {}
        if folded.status == "ok" and trial.container is not None:
            marks["image"] = folded.wall_s
            container = trial.container.moved(trial.inputs.goroot or "", inputs.goroot or "")
            yield from _contain(container, tag, engine, labels, fold)
            meter.end()
            folded = fold.result()
            marks["container"] = folded.wall_s - marks["image"]
    told_of = {one.name: getattr(folded, one.name) for one in fields(folded)}
    image_id, marks = told_of.pop("image_id"), marks | told_of.pop("marks")
    build = Build(
        id=build_id,
        cell=dict(trial.cell.axes),
        round=trial.round,
        warm_up=trial.warm_up,
        phase=phase.name,
        started=started,
        image=_image(engine, tag, image_id) if folded.status == "ok" else None,
        marks=marks,
        replay=engine.replay_command(_replay(trial, inputs, build_id)),
        cpu_s=meter.cpu_s,
        peak_memory_bytes=meter.peak_memory_bytes,
        disturbance=meter.disturbance,
        fit=meter.fitness(held.disturbs if held is not None else ()),
        **told_of,
    )
    yield BuildFinished(build=build, dockerfile=dockerfile.text, manifest=manifest)


def _manifest(trial: Trial, inputs: Inputs, parsed: Dockerfile, engine: Engine) -> CacheInputs:
    """All that the build is made from; bases by the digests that the engine has now."""
    known = {image.ref: image.id for image in trial.images}
    for base in trial.bases:
        known[base.working] = known.get(base.moved if inputs.base_moved else base.original)

    def digest(ref: str) -> str | None:
        if known.get(ref) is None:
            with suppress(SourceError):  # not loaded: the engine pulls it, or will say so itself
                known[ref] = engine.inspect(ref).id
        return known.get(ref)

    return make_manifest(
        parsed,
        inputs.full_context(),
        dockerfile_path=inputs.dockerfile_path,
        build_args=inputs.build_args,
        target=inputs.target,
        digest=digest,
    )


def _contain(
    container: Container, tag: str, engine: Engine, labels: Mapping[str, str], fold: BuildRecorder
) -> Iterator[Event]:
    """Run the layout's container after its image is built; its time goes on from the build's."""
    built = fold.result().wall_s
    wanted = ContainerRequest(
        image=tag, command=container.command, tmpfs=container.tmpfs, labels=labels
    )
    with closing(engine.run(wanted)) as told:
        for event in told:
            later = replace(event, at=event.at + built)
            fold.add(later)
            yield later


def _image(engine: Engine, tag: str, image_id: str) -> Image:
    try:
        return engine.inspect(tag)
    except SourceError:  # the engine built it but cannot name it: its id is all that is known
        return Image(id=image_id)


def _skipped(
    trial: Trial, phases: Sequence[Phase], reason: str, *, status: BuildStatus = "skipped"
) -> Iterator[BuildFinished]:
    for phase in phases:
        build = Build(
            id=trial.build_id(phase),
            cell=dict(trial.cell.axes),
            round=trial.round,
            warm_up=trial.warm_up,
            phase=phase.name,
            status=status,
            reason=reason,
        )
        yield BuildFinished(build=build, dockerfile=None)


def _stop_if_hopeless(build: Build) -> None:
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


def _replay(trial: Trial, inputs: Inputs, build_id: str) -> ReplayRequest:
    """The build as it can be repeated by hand, in the run's folder."""
    return ReplayRequest(
        images=tuple(image.path for image in trial.images if image.path),
        tags=tuple(
            (base.moved if inputs.base_moved else base.original, base.working)
            for base in trial.bases
        ),
        dockerfile_path=inputs.dockerfile_path,
        build_args=inputs.build_args,
        target=inputs.target,
        context=f"contexts/{build_id}.tar",
    )
