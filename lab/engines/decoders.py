"""The decoder of what an engine of a name said: for streams that were kept, without its SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.model import engine_name

if TYPE_CHECKING:
    from lab.dockerfile.model import Dockerfile
    from lab.engines.docker_stream import Decoder


def decoder(name: str, dockerfile: Dockerfile, target: str | None = None) -> Decoder | None:
    """Reads one build's messages of this engine; None where it keeps none (simulated).

    Raises InputError where no engine has this name, DockerfileError where the target is no stage.
    """
    from lab.engines import buildkit, classic, podman_stream

    family = engine_name.parse(name).family
    if family == "docker":
        return buildkit.Decoder(dockerfile, target)
    if family == "docker-classic":
        return classic.Decoder(dockerfile, target)
    return podman_stream.Decoder(dockerfile, target) if family == "podman" else None
