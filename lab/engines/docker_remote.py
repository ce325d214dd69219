"""Caches that travel inside of images: what the build is asked for, and what is pushed after it.

``inline``: the built image carries the keys of all steps, and the layers of its own stage alone.
``stage-images``: each stage is such an image, so that the layers of every stage are there; nothing
of it needs a client's session, and docker 20.10 does it as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import FILE_SYSTEM
from lab.engines.docker_client import FOREIGN
from lab.engines.protocol import BuildRequest, RemoteCache
from lab.engines.remote_caches import IN_IMAGES
from lab.model import events
from lab.model.events import Event

_INLINE = "BUILDKIT_INLINE_CACHE"


def with_keys(request: BuildRequest) -> BuildRequest:
    """The request so that its image carries the keys of its steps, where it is to do so."""
    remote = request.remote
    if remote is None or remote.save is None or remote.strategy not in IN_IMAGES:
        return request
    return replace(request, build_args={**request.build_args, _INLINE: "1"})


def query(request: BuildRequest) -> dict[str, str]:
    """What POST /build is asked beside the rest: a JSON list of plain refs to take keys from."""
    remote = request.remote
    if remote is None or remote.restore is None or remote.strategy not in IN_IMAGES:
        return {}
    names = _names(request.dockerfile, request.target, remote, remote.restore)
    return {"cachefrom": json.dumps([ref for ref, _ in names])}


def saved(
    api: Any, request: BuildRequest, build: Callable[[BuildRequest], Iterator[Event]]
) -> Iterator[Event]:
    """Push what the build left; ``build`` makes the images of the stages below it.

    What goes wrong is told as the error of a CacheMoved: the image itself is there.
    """
    remote = request.remote
    start = perf_counter()
    if remote is not None and remote.save is not None and remote.strategy in IN_IMAGES:
        names = _names(request.dockerfile, request.target, remote, remote.save)
        error = ""
        for ref, target in names:
            if target is None:
                error = error or _tagged(api, request.tag, ref)
            else:
                asked = replace(request, tag=ref, target=target, cold=False)
                told = (one for one in build(asked) if isinstance(one, events.BuildError))
                error = error or "".join(one.message for one in told)
            error = error or _pushed(api, ref)
        at = perf_counter() - start
        yield events.CacheMoved(at, True, 0.0, at, error)
    yield events.Finished(perf_counter() - start)


def _names(
    dockerfile: Dockerfile, target: str | None, remote: RemoteCache, tag: str
) -> list[tuple[str, str | None]]:
    """The images of a cache, each with the stage that it is built for; None: the build's own."""
    if remote.strategy != "stage-images":
        return [(f"{remote.repository}:{tag}", None)]
    last = dockerfile.target(target)
    found: list[tuple[str, str | None]] = []
    for number in sorted(dockerfile.needed(target) - {last}):
        stage = dockerfile.stages[number]
        steps = (dockerfile.instructions[index].keyword for index in stage.instructions)
        if FILE_SYSTEM.intersection(steps):
            name = stage.name if stage.named else str(number)
            found.append((f"{remote.repository}:{tag}-{number}", name))
    # Numbered as well: a stage is found by the same name when it is built for itself.
    return [*found, (f"{remote.repository}:{tag}-{last}", None)]


def _tagged(api: Any, source: str, ref: str) -> str:
    repository, _, tag = ref.rpartition(":")
    try:
        api.tag(source, repository, tag, force=True)
    except FOREIGN as error:
        return str(error)
    return ""


def _pushed(api: Any, ref: str) -> str:
    """What went wrong; empty where nothing did."""
    repository, _, tag = ref.rpartition(":")
    try:
        for message in api.push(repository, tag=tag, stream=True, decode=True):
            if text := message.get("error"):
                return str(text)
    except FOREIGN as error:
        return str(error)
    return ""
