"""Engines: one protocol, one adapter per SDK, the decoders of what they say, private daemons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lab.host import paths
from lab.host.disk import disk
from lab.model import engine_name as names
from lab.model.errors import EngineUnavailable, InputError

if TYPE_CHECKING:
    from lab.engines.endpoint import Endpoint
    from lab.engines.ledger import Ledger
    from lab.engines.private import Private
    from lab.engines.protocol import Engine
    from lab.model.engine_name import Spec

REAL = names.REAL
NAMES = names.FAMILIES

Say = Callable[[str], None]


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
    say: Say = _silent,
) -> Engine:
    """The engine of this name: at ``endpoint``, where one answers, or private to the lab.

    ``private`` starts one of the lab's own whatever answers, and so does a name with a version
    that has no endpoint. ``keep`` leaves what was made in it, and of a private one its storage.
    The caller closes what it gets.
    """
    asked = names.parse(name)
    if endpoint and (private or asked.family == "simulated"):
        what = "--private starts an engine of its own" if private else "it has no daemon"
        raise InputError(f"{name}={endpoint}: {what}", remedy="leave the address out")
    if asked.family == "simulated":
        from lab.engines.simulated import SimulatedEngine

        return SimulatedEngine()
    from lab.engines.endpoint import resolve
    from lab.engines.ledger import Ledger

    own = private or (asked.chosen and not endpoint)
    found = None if own else resolve(asked.program, endpoint)
    made = None if found is None or keep else Ledger.of(paths.ledgers_dir(), found.url)
    if made is not None and made.inherited:
        say(f"clearing what a killed lab left in {name} at {made.endpoint}")
    engine = (_docker if asked.program == "docker" else _podman)(asked, found, keep, made, say)
    try:
        _hold(asked, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def _docker(
    asked: Spec, found: Endpoint | None, keep: bool, made: Ledger | None, say: Say
) -> Engine:
    from lab.engines.docker import DockerEngine

    if found is not None:
        return DockerEngine(
            name=asked.text,
            base_url=found.url,
            private=False,
            tls=found.tls,
            on_close=_nothing,
            made=made,
        )
    from lab.engines.private import start_docker
    from lab.engines.roots import programs

    with disk(paths.state_dir(), "set LAB_CACHE to a folder on another disk"):
        daemon = start_docker(say, programs(asked, say), asked.store)
    try:
        return DockerEngine(
            name=asked.text,
            base_url=daemon.endpoint,
            private=True,
            on_close=_ending(daemon, keep, say),
            usage=daemon.usage,
            network=daemon.network,
        )
    except BaseException:
        daemon.close()
        raise


def _podman(
    asked: Spec, found: Endpoint | None, keep: bool, made: Ledger | None, say: Say
) -> Engine:
    from lab.engines.podman import PodmanEngine

    if found is not None:
        if found.tls is not None:
            raise EngineUnavailable(
                f"podman's client has no TLS, which {found.url} asks for",
                remedy="name it by ssh://user@host/run/podman/podman.sock, or by a local socket",
            )
        return PodmanEngine(
            name=asked.text,
            base_url=found.url,
            private=False,
            on_close=_nothing,
            made=made,
        )
    from lab.engines.private import start_podman
    from lab.engines.roots import programs

    with disk(paths.state_dir(), "set LAB_CACHE to a folder on another disk"):
        daemon = start_podman(say, programs(asked, say))
    try:
        return PodmanEngine(
            name=asked.text,
            base_url=daemon.endpoint,
            private=True,
            on_close=_ending(daemon, keep, say),
            cache_mounts=daemon.cache_mounts,
            usage=daemon.usage,
        )
    except BaseException:
        daemon.close()
        raise


def _hold(asked: Spec, engine: Engine) -> None:
    """Hold an engine that answers to the version and the store that its name promises."""
    facts = engine.facts()
    if asked.version and not names.matches(asked.version, facts.version):
        raise EngineUnavailable(
            f"{asked.text}: the engine at {facts.endpoint} is {facts.version}",
            remedy=f"name it {asked.family}@{facts.version.partition('+')[0]}",
        )
    store = "containerd" if "containerd" in facts.storage else "graph"
    if asked.store and asked.store != store:
        raise EngineUnavailable(
            f"{asked.text}: {asked.program} {facts.version} keeps images in {facts.storage}",
            remedy=f"leave /{asked.store} out"
            + (", or name a version from 24 on" if asked.store == "containerd" else ""),
        )


def _ending(daemon: Private, keep: bool, say: Say) -> Callable[[], None]:
    return partial(daemon.keep, say) if keep else daemon.close
