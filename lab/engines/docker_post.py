"""One build by POST /build, and its end before its time, through the SDK's client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any

from lab.engines.docker_client import FOREIGN
from lab.engines.docker_stream import Body, Decoder, headers, read, reason
from lab.engines.protocol import BuildRequest
from lab.model import events
from lab.model.events import Event


def build(
    api: Any, engine: str, request: BuildRequest, query: Mapping[str, str], decoder: Decoder
) -> Iterator[Event]:
    """Send the context, and tell the answer; ``api`` is a docker.APIClient.

    Raises nothing of the client's: a daemon that is gone is told as Lost. The last is Finished.
    """
    yield events.Ready(0.0)
    start = perf_counter()
    try:
        with request.context.open() as file:
            body = Body(file, request.context.size)
            response = api.post(
                f"{api.base_url}/v{api.api_version}/build",
                params=query,
                data=body,
                headers=headers(request),
                stream=True,
            )
        try:
            sent = (body.sent or perf_counter()) - start
            yield events.ContextSent(sent, request.context.size)
            if response.status_code == 200:
                yield from read(response.iter_content(None), decoder, start)
            else:
                text = reason(response)
                yield events.BuildError(perf_counter() - start, text)
        finally:
            response.close()  # of a response that is read to its end the connection stays
    except FOREIGN as error:
        yield events.Lost(perf_counter() - start, f"{engine} stopped answering: {error}")
    yield events.Finished(perf_counter() - start)


def cancel(api: Any, build_id: str) -> None:
    """End a build. Closing the socket does so too; this tells the daemon even through a proxy."""
    with suppress(*FOREIGN):
        api.post(
            f"{api.base_url}/v{api.api_version}/build/cancel",
            params={"id": build_id},
            timeout=5,
        )
