"""Engines: one protocol, one adapter per SDK, the decoders of what they say, private daemons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lab.host import paths
from lab.host.disk import disk
from lab.model.errors import EngineUnavailable, InputError

if TYPE_CHECKING:
    from lab.engines.endpoint import Endpoint
    from lab.engines.private import Private
    from lab.engines.protocol import Engine

REAL = ("docker", "docker-classic", "podman")
NAMES = (*REAL, "simulated")  # that one invents its times, and runs no containers


def _silent(_: str) -> None:
    pass


def _nothing() -> None:
    pass


def open_engine(
    name: str,
    endpoint: str | None = None,
    *,
    private: bool = False,
    keep: bool = False,
    say: Callable[[str], None] = _silent,
) -> Engine:
    """The engine of this name: at ``endpoint``, where one answers, or private to the lab.

    ``private`` starts one of the lab's own whatever answers. ``keep`` leaves what was made in it,
    and of a private one its storage. The caller closes what it gets.
    """
    if name not in NAMES:
        raise InputError(f"no engine is named {name!r}", remedy=f"one of {', '.join(NAMES)}")
    if endpoint and (private or name == "simulated"):
        what = "--private starts an engine of its own" if private else "it has no daemon"
        raise InputError(f"{name}={endpoint}: {what}", remedy="leave the address out")
    if name == "simulated":
        from lab.engines.simulated import SimulatedEngine

        return SimulatedEngine()
    from lab.engines.endpoint import resolve

    program = "podman" if name == "podman" else "docker"
    found = None if private else resolve(program, endpoint)
    if program == "docker":
        return _docker(name, found, keep, say)
    return _podman(found, keep, say)


def _docker(name: str, found: Endpoint | None, keep: bool, say: Callable[[str], None]) -> Engine:
    from lab.engines.docker import DockerEngine

    if found is not None:
        return DockerEngine(
            name=name,
            base_url=found.url,
            private=False,
            tls=found.tls,
            on_close=_nothing,
            keep=keep,
        )
    from lab.engines.private import start_docker

    with disk(paths.state_dir(), "set LAB_CACHE to a folder on another disk"):
        daemon = start_docker(say)
    try:
        return DockerEngine(
            name=name,
            base_url=daemon.endpoint,
            private=True,
            on_close=_ending(daemon, keep, say),
            usage=daemon.usage,
        )
    except BaseException:
        daemon.close()
        raise


def _podman(found: Endpoint | None, keep: bool, say: Callable[[str], None]) -> Engine:
    from lab.engines.podman import PodmanEngine

    if found is not None:
        if found.tls is not None:
            raise EngineUnavailable(
                f"podman's client has no TLS, which {found.url} asks for",
                remedy="name it by ssh://user@host/run/podman/podman.sock, or by a local socket",
            )
        return PodmanEngine(base_url=found.url, private=False, on_close=_nothing, keep=keep)
    from lab.engines.private import start_podman

    with disk(paths.state_dir(), "set LAB_CACHE to a folder on another disk"):
        daemon = start_podman(say)
    try:
        return PodmanEngine(
            base_url=daemon.endpoint,
            private=True,
            on_close=_ending(daemon, keep, say),
            cache_mounts=daemon.cache_mounts,
            usage=daemon.usage,
        )
    except BaseException:
        daemon.close()
        raise


def _ending(daemon: Private, keep: bool, say: Callable[[str], None]) -> Callable[[], None]:
    return partial(daemon.keep, say) if keep else daemon.close
