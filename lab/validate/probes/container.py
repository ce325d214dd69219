"""The same probes inside a container: testcontainers starts it, on Docker and on Podman alike.

The probe program goes into the container by the engine's archive call, so that the engine need not
know a path of this host. The container has no network.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab.engines.docker_client import FOREIGN, translated
from lab.engines.protocol import Engine
from lab.model.errors import EngineUnavailable
from lab.validate.probes import compiler, container_inspect
from lab.validate.probes import results as answers
from lab.validate.probes.container_inspect import Confined
from lab.validate.probes.programs import Program
from lab.validate.probes.results import ProbeResults

Seccomp = Path | Literal["unconfined"] | None
PLACE = "/lab-probe"
_LIMIT_S = 30
_DONE = "@lab - - done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """What was answered in a container, and how that container was confined."""

    engine: str
    image: str
    results: ProbeResults
    confined: Confined


def in_container(
    engine: Engine,
    image: str,
    *,
    seccomp: Seccomp = None,
    programs: Sequence[Program] = (),
    timeout_s: float = _LIMIT_S,
) -> Contained:
    """Probe in a container of an image that the engine has, under its default profile or another.

    Raises EngineLost, SourceError and their like, and LabError where that does not come to
    its end in time.
    """
    endpoint = engine.facts().endpoint
    if not endpoint:
        raise EngineUnavailable(f"{engine.name} runs no containers", remedy="name docker or podman")
    what = f"a container of {image} in {engine.name}"
    mark = f"#{secrets.token_hex(8)}"
    with translated(what):
        container = _container(engine, endpoint, image, seccomp, programs)
        container.with_command(["probe", "hold", mark, *_words(programs)])
        # testcontainers leaves its client's socket open.
        with closing(container.get_docker_client().client):
            try:
                container.start()
                console = _until_done(container.get_wrapped_container(), timeout_s)
                confined = container_inspect.read(mark)
            finally:
                _end(container)
    (results,) = answers.parse(console, what=what)
    return Contained(engine=engine.name, image=image, results=results, confined=confined)


def _container(
    engine: Engine, endpoint: str, image: str, seccomp: Seccomp, programs: Sequence[Program]
) -> Any:
    # Its reaper is an image of a registry, and the lab ends its containers itself.
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from docker.types import Ulimit
    from testcontainers.core.container import DockerContainer

    made = DockerContainer(image, docker_client_kw={"environment": {"DOCKER_HOST": endpoint}})
    made.with_copy_into_container(compiler.static(), f"{PLACE}/prober", mode=0o755)
    for file in {program.file for program in programs}:
        made.with_copy_into_container(file, f"{PLACE}/{file.name}", mode=0o755)
    # Podman asks for limits of its own where it may not set them; these are low enough for all.
    limits = [Ulimit(name=limit, soft=1024, hard=1024) for limit in ("nofile", "nproc")]
    profile = engine.seccomp_option(seccomp) if isinstance(seccomp, Path) else seccomp
    security = [] if profile is None else [f"seccomp={profile}"]
    return made.with_kwargs(
        entrypoint=[f"{PLACE}/prober"],  # an empty one is the image's own to Podman
        ulimits=limits,
        network_mode="none",
        init=False,
        security_opt=security,
    )


def _words(programs: Sequence[Program]) -> list[str]:
    """Programs as the probe program takes them: NAME:TRACED:PATH:ARGUMENT."""
    return [
        f"{one.name}:{int(one.traced)}:{PLACE}/{one.file.name}:{one.argument}" for one in programs
    ]


def _until_done(container: Any, timeout_s: float) -> str:
    """What the probe program printed; it holds still behind its last line."""
    late = time.monotonic() + timeout_s
    while True:
        text = str(container.logs().decode(errors="replace"))
        if _DONE in text or time.monotonic() > late:
            return text
        container.reload()
        if container.status in {"exited", "dead"}:
            return str(container.logs().decode(errors="replace"))
        time.sleep(0.03)


def _end(container: Any) -> None:
    """Kill first: Podman gives a container ten seconds to end by itself."""
    with suppress(*FOREIGN):
        container.get_wrapped_container().kill()
    with suppress(*FOREIGN):
        container.stop(force=True, delete_volume=True)
