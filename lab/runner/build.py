"""The request of a build with given inputs; and one build for its own sake, outside any run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.engines.protocol import Archive, BuildRequest, Engine
from lab.model.errors import BuildsFailed, InputError
from lab.runner.recorder import BuildOutcome, BuildRecorder


def request(
    inputs: Inputs,
    dockerfile: Dockerfile,
    archive: Archive,
    *,
    tag: str,
    labels: Mapping[str, str],
    cold: bool,
) -> BuildRequest:
    """The request for ``inputs``, whose Dockerfile is parsed and whose full context is packed."""
    return BuildRequest(
        dockerfile=dockerfile,
        dockerfile_path=inputs.dockerfile_path,
        context=archive,
        tag=tag,
        target=inputs.target,
        build_args=inputs.build_args,
        labels=labels,
        cold=cold,
    )


def build_once(
    engine: Engine,
    inputs: Inputs,
    *,
    tag: str,
    labels: Mapping[str, str],
    cold: bool,
    what: str = "the Dockerfile",
    remedy: str = "fix the Dockerfile",
) -> BuildOutcome:
    """Build once. The Dockerfile is sent even where .dockerignore names it, as clients do.

    Raises BuildsFailed with ``what`` and ``remedy`` where the engine cannot build it or fails, and
    InputError where there is no Dockerfile in the text, or no such target.
    """
    try:
        dockerfile = parse(inputs.dockerfile, inputs.build_args)
        recorder = BuildRecorder(dockerfile, inputs.target)
    except DockerfileError as error:
        raise InputError(f"{inputs.dockerfile_path}: {error}", remedy=remedy) from error
    lacking = engine.lacks(dockerfile)
    if lacking:
        raise BuildsFailed(
            f"{engine.name} cannot build {what}: {'; '.join(lacking)}",
            remedy="choose another engine, or a newer one",
        )
    with closing(inputs.full_context().archive()) as archive:
        asked = request(inputs, dockerfile, archive, tag=tag, labels=labels, cold=cold)
        with closing(engine.build(asked)) as events:
            for event in events:
                recorder.add(event)
    outcome = recorder.result()
    if outcome.status != "ok":
        raise BuildsFailed(f"{what} does not build: {outcome.reason}", remedy=remedy)
    return outcome
