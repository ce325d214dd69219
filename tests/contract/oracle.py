"""Reads what is in an image without asking the code under test: testcontainers starts it, or, for a
sixth of the CPU, Docker copies files out of a container that never started.
"""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import closing
from pathlib import Path

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # its reaper's image is in no reach

from docker import DockerClient
from docker.types import Ulimit
from testcontainers.core.container import DockerContainer

from lab.engines.protocol import Engine
from lab.model import engine_name


def read(engine: Engine, image: str, command: str) -> str:
    """What a shell command prints in a container of the image."""
    limits = [Ulimit(name=name, soft=1024, hard=1024) for name in ("nofile", "nproc")]
    container = (
        DockerContainer(
            image, docker_client_kw={"environment": {"DOCKER_HOST": engine.facts().endpoint}}
        )
        .with_command("sleep 60")
        .with_kwargs(ulimits=limits, network_mode="none", init=False)
    )
    # Closed by hand: testcontainers would leave the client's socket open.
    with closing(container.get_docker_client().client), container:
        code, output = container.exec(["sh", "-c", command])
    assert code == 0, output
    return str(output.decode())


def values(engine: Engine, image: str) -> dict[str, str]:
    """The value that each RUN wrote below /oracle, by its name."""
    if engine_name.family(engine.name) == "podman":  # which works more to copy than to start
        printed = read(engine, image, "cd /oracle && for f in *; do echo $f=$(cat $f); done")
        return dict(line.split("=", 1) for line in printed.split())
    with closing(DockerClient(engine.facts().endpoint)) as client:
        container = client.containers.create(image, "none")
        try:
            pieces, _ = container.get_archive("/oracle")
            archive = io.BytesIO(b"".join(pieces))
        finally:
            container.remove(force=True)
    with tarfile.open(fileobj=archive) as tar:
        found = {Path(one.name).name: tar.extractfile(one) for one in tar if one.isfile()}
        return {name: file.read().decode().strip() for name, file in found.items() if file}
