"""A fleet's scheduler and workers on dask.distributed, reduced to what builds need.

Of the requests that dask.distributed's servers answer, only those stay that let a worker join, tell
that it lives, and be asked for builds. None of them is given code: what is pickled is refused
wherever it arrives, before it is read.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import dask
import distributed
from distributed.protocol import pickle

from lab.model.errors import EngineUnavailable, InputError
from lab.runner.fleet.bench import Bench
from lab.runner.fleet.blobs import Blobs
from lab.runner.fleet.security import Identity, Place

GIVEN_UP = 10.0  # seconds without a heartbeat until a worker is given up
_SCHEDULER = ("identity", "register-worker", "heartbeat_worker", "unregister", "proxy")
_FROM_WORKERS = ("keep-alive", "worker-status-change", "log-event")
_TO_WORKERS = ("close", "remove-worker")


class RefusedPickle(ValueError):
    """A message held pickled objects, which are code."""


def refuse_code() -> None:
    """Let nothing that is pickled be read by this process's connections."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise RefusedPickle("a fleet's messages are plain data: pickled objects are refused")

    pickle.loads = refuse
    distributed.scheduler.loads = refuse  # type: ignore[attr-defined] # it has a name of its own
    settings = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.scheduler.worker-ttl": f"{GIVEN_UP:g}s",
        "distributed.comm.timeouts.connect": "3s",
        "distributed.admin.system-monitor.gil.enabled": False,
        "distributed.worker.profile.enabled": False,
    }
    dask.config.set(settings)
    for name in ("distributed", "asyncio"):  # what matters is said by whoever asked
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


_Security: Any = distributed.Security  # its methods have no types


def security(identity: Identity | None) -> Any:
    """The member's certificate, for whatever it does: a distributed.Security."""
    if identity is None:
        return _Security()
    roles = ("client", "scheduler", "worker")
    return _Security(
        require_encryption=True,
        tls_ca_file=str(identity.authority),
        **{f"tls_{role}_cert": str(identity.certificate) for role in roles},
        **{f"tls_{role}_key": str(identity.key) for role in roles},
    )


def _kept(handlers: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: handlers[name] for name in names if name in handlers}


class Scheduler(distributed.Scheduler):
    """Where workers meet: it passes requests on to them, and places nothing itself."""

    def __init__(self, place: Place) -> None:
        super().__init__(
            host=place.host,
            port=place.port,
            protocol=place.url.partition(":")[0],
            security=security(place.identity),
            dashboard=False,
            dashboard_address="127.0.0.1:0",
        )
        self.handlers = _kept(self.handlers, _SCHEDULER)
        self.stream_handlers = _kept(self.stream_handlers, _FROM_WORKERS)

    def start_http_server(self, *_: object, **__: object) -> None:
        """None: a fleet has one port."""


class Worker(distributed.Worker):
    """Answers what home asks of its bench."""

    def __init__(
        self, place: Place, bench: Bench, facts: Mapping[str, Any], host: str | None, port: int
    ) -> None:
        blobs = Blobs(bench.folder / "blobs")
        super().__init__(
            place.url,
            nthreads=1,
            name=facts["name"],
            host=host,
            port=port,
            security=security(place.identity),
            dashboard=False,
            memory_limit=0,
            local_directory=tempfile.mkdtemp(prefix="lab-fleet-"),
            startup_information={"lab": lambda _: dict(facts)},
        )
        self.handlers = {
            "ping": _pong,
            "lab-state": bench.state,
            "lab-begin": bench.begin,
            "lab-take": bench.take,
            "lab-records": bench.records,
            "lab-left": bench.left,
            "lab-end": bench.end,
            "lab-missing": blobs.missing,
            "lab-blob": blobs.add,
        }
        self.stream_handlers = _kept(self.stream_handlers, _TO_WORKERS)

    async def plugin_add(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override] # takes all
        """None: plugins are pickled code, and dask's own move data, of which there is none."""
        return {"status": "OK"}

    def start_http_server(self, *_: object, **__: object) -> None:
        """None: a fleet has one port."""


async def _pong() -> str:
    return "pong"


async def schedule(place: Place, ready: Callable[[str], None]) -> None:
    """Be a fleet's scheduler until cancelled. Raises InputError where the port cannot be had."""
    refuse_code()
    try:
        async with Scheduler(place) as scheduler:
            ready(scheduler.address)
            await scheduler.finished()
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{place.url} cannot be listened at: {error}", remedy="name another HOST:PORT"
        ) from error


async def work(
    place: Place,
    bench: Bench,
    facts: Mapping[str, Any],
    *,
    host: str | None,
    ready: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Be a worker until cancelled; a scheduler that goes away is waited for.

    Raises EngineUnavailable where the scheduler refuses it at the first attempt.
    """
    refuse_code()
    port = 0  # any; then the same again, so that home finds it after a scheduler's restart
    try:
        while True:
            worker: Any = Worker(place, bench, facts, host, port)
            try:
                async with worker:
                    port = worker.port
                    ready(worker.address)
                    await worker.finished()
            except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:
                if not port:
                    raise EngineUnavailable(
                        f"no fleet at {place.url} lets this worker in: {error.__cause__ or error}",
                        remedy="lab fleet scheduler starts one; its certificates, and one name "
                        "for each worker, are asked for",
                    ) from error
            say("the scheduler is away; builds go on, and it is tried again")
            await asyncio.sleep(1)
    finally:
        await bench.close()
