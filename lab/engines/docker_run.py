"""A container of a Docker daemon, from its creation to its removal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from time import perf_counter
from typing import Any

from lab.engines.docker_client import FOREIGN, translated
from lab.engines.ledger import Ledger
from lab.engines.protocol import ContainerRequest
from lab.model import events
from lab.model.errors import EngineLost
from lab.model.events import Event


def run(
    api: Any, name: str, request: ContainerRequest, made: Ledger
) -> Generator[Event, None, None]:
    """Log events, a BuildError where it exits non-zero, Finished at last."""
    start = perf_counter()
    what = f"a container of {request.image} in {name}"
    with translated(what):
        tmpfs = {place: f"size={size},exec" for place, size in request.tmpfs.items()}
        container = api.create_container(
            request.image,
            list(request.command),
            entrypoint=[""],  # none: the command is the whole of it, as in Podman
            environment=dict(request.environment),
            labels=dict(request.labels),
            # This log driver can always be read back, whatever the daemon's own default is.
            host_config=api.create_host_config(tmpfs=tmpfs, log_config={"Type": "json-file"}),
        )["Id"]
        made.note("container", [container])
    try:
        with translated(what):
            api.start(container)
            for data in api.logs(container, stream=True, follow=True):
                yield events.Log(perf_counter() - start, None, data)
            code = int(api.wait(container)["StatusCode"])
        if code != 0:
            message = f"{' '.join(request.command)}: exit code {code}"
            yield events.BuildError(perf_counter() - start, message, code)
        yield events.Finished(perf_counter() - start)
    except EngineLost as error:
        yield events.Lost(perf_counter() - start, error.message)
        yield events.Finished(perf_counter() - start)
    finally:
        with suppress(*FOREIGN):
            api.remove_container(container, v=True, force=True)


def remove(api: Any, made: Ledger) -> None:
    """Remove the containers that a lab was killed in the midst of."""
    for container in made.of_kind("container"):
        with suppress(*FOREIGN):
            api.remove_container(container, v=True, force=True)
