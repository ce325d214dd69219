"""What is written down of one build: its record, what it was made from, how it is repeated."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from lab.dockerfile import cachekey
from lab.dockerfile.cachekey import CacheInputs
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import Dockerfile
from lab.engines.protocol import Engine, ReplayRequest
from lab.host.monitor.meter import Meter
from lab.model.errors import SourceError
from lab.model.record import Build, BuildStatus, Image
from lab.runner.layer_sizes import with_sizes
from lab.runner.recorder import BuildOutcome
from lab.scenario.plan import Phase, Trial


def unbuilt(trial: Trial, phase: Phase, status: BuildStatus, reason: str | None) -> Build:
    """The record of a build of which nothing was measured."""
    return Build(
        id=trial.build_id(phase),
        cell=dict(trial.cell.axes),
        round=trial.round,
        warm_up=trial.warm_up,
        phase=phase.name,
        status=status,
        reason=reason,
    )


def measured(trial: Trial, phase: Phase, outcome: BuildOutcome, meter: Meter) -> Build:
    """The record of a build by what its events and the meter said."""
    return replace(
        with_outcome(unbuilt(trial, phase, outcome.status, outcome.reason), outcome),
        cpu_s=meter.cpu_s,
        peak_memory_bytes=meter.peak_memory_bytes,
        disturbance=meter.disturbance,
    )


def with_outcome(build: Build, outcome: BuildOutcome) -> Build:
    """The record with all that the build's events said, but for its image."""
    return replace(
        build,
        status=outcome.status,
        reason=outcome.reason,
        wall_s=outcome.wall_s,
        critical_path_s=outcome.critical_path_s,
        steps_s=outcome.steps_s,
        unattributed_s=outcome.unattributed_s,
        context_bytes=outcome.context_bytes,
        context_sent_s=outcome.context_sent_s,
        cache=outcome.cache,
        steps=outcome.steps,
        marks=outcome.marks,
        notes=outcome.notes,
        log_tail=outcome.log_tail,
    )


def image(engine: Engine, tag: str, image_id: str | None) -> Image | None:
    """The built image as far as the engine can name it."""
    try:
        return engine.inspect(tag)
    except SourceError:  # the engine built it but cannot name it: its id is all that is known
        return None if image_id is None else Image(id=image_id)


def layers(build: Build, dockerfile: Dockerfile, target: str | None, engine: Engine) -> Build:
    """The record with the sizes of its steps' layers, as far as the engine tells them."""
    if build.image is None:
        return build
    try:
        history = engine.history(build.image.id)
    except SourceError:
        return build
    return replace(build, steps=with_sizes(build.steps, dockerfile, target, history))


def cache_inputs(
    trial: Trial, inputs: Inputs, dockerfile: Dockerfile, context: Context, engine: Engine
) -> CacheInputs:
    """All that the build is made from; bases by the digests that the engine has now."""
    known = {image.ref: image.id for image in trial.built_from.images}
    for base in trial.built_from.bases:
        known[base.working] = known.get(base.current(moved=inputs.base_moved))

    def digest(ref: str) -> str | None:
        if known.get(ref) is None:
            with suppress(SourceError):  # not loaded: the engine pulls it, or will say so itself
                known[ref] = engine.inspect(ref).id
        return known.get(ref)

    return cachekey.make(
        dockerfile,
        context,
        dockerfile_path=inputs.dockerfile_path,
        build_args=inputs.build_args,
        target=inputs.target,
        digest=digest,
    )


def replay_request(trial: Trial, inputs: Inputs, build_id: str) -> ReplayRequest:
    """The build as it can be repeated by hand, in the run's folder."""
    return ReplayRequest(
        images=tuple(image.path for image in trial.built_from.images if image.path),
        tags=tuple(
            (base.current(moved=inputs.base_moved), base.working) for base in trial.built_from.bases
        ),
        dockerfile_path=inputs.dockerfile_path,
        build_args=inputs.build_args,
        target=inputs.target,
        context=f"contexts/{build_id}.tar",
    )
