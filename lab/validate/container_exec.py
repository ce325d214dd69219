"""Commands run in a container of an image that an engine has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.engines.protocol import ContainerRequest, Engine
from lab.images.opened import Opened
from lab.model.errors import EngineLost
from lab.model.events import BuildError, Log, Lost
from lab.validate.structure import Command, Runs

_KEPT = 32 << 20  # bytes of a command's output: what goes on without end is cut off


def runs_in(engine: Engine, image: Opened) -> Runs:
    """What runs commands in containers of an image."""
    engine.ensure(image.archive)

    def run(command: Sequence[str], environment: Mapping[str, str]) -> Command:
        request = ContainerRequest(
            image=image.archive.ref, command=tuple(command), environment=dict(environment)
        )
        code: int | None = 0
        output = bytearray()
        for event in engine.run(request):
            if isinstance(event, Log) and len(output) < _KEPT:
                output += event.data
            elif isinstance(event, BuildError):
                code = event.code
            elif isinstance(event, Lost):
                raise EngineLost(
                    f"{engine.name}: {event.message}",
                    remedy="see the engine's own log, then validate again",
                )
        return Command(code=code, output=output.decode(errors="replace"))

    return run
