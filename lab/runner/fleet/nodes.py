"""A fleet's scheduler, where members meet, and its workers, which answer what builds need."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from lab.model.errors import EngineUnavailable, InputError
from lab.runner.fleet.bench import Bench
from lab.runner.fleet.blobs import Blobs
from lab.runner.fleet.lines import (
    FAILURES,
    GIVEN_UP,
    Answer,
    Lines,
    Port,
    opened,
    refuse_code,
    said,
)
from lab.runner.fleet.security import Place

_BEAT = 1.0  # seconds between a worker's words to the scheduler


class Scheduler:
    """Knows the workers that are there, and passes requests on to them; it places nothing."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._there: dict[str, dict[str, Any]] = {}
        self._began = time.monotonic()

    async def join(self, comm: Any, *, facts: dict[str, Any], address: str) -> None:
        """A worker is there for as long as its connection is, and speaks."""
        name = facts["name"]
        if name in self._there:
            await comm.write({"refused": f"{name} is there already, another name is needed"})
            return
        self._there[name] = {**facts, "address": address}
        try:
            while True:
                await comm.write({})
                await asyncio.wait_for(comm.read(), GIVEN_UP)
        finally:
            del self._there[name]

    async def workers(self) -> dict[str, Any]:
        """Who is there, by name."""
        return {"workers": self._there}

    async def pass_on(
        self, address: str, message: Mapping[str, Any], patience: float
    ) -> dict[str, Any]:
        """A worker's ``answer``; ``silent`` says why there is none, ``gone`` that it has left.

        A scheduler that has just begun waits for workers to come back: none has left yet.
        """
        if address not in {one["address"] for one in self._there.values()}:
            if time.monotonic() - self._began < GIVEN_UP:
                return {"unknown": True}
            return {"gone": True}
        try:
            return {"answer": await self._lines.ask(address, message, patience)}
        except FAILURES as error:
            return {"silent": said(error)}


async def schedule(place: Place, ready: Callable[[str], None]) -> None:
    """Be a fleet's scheduler until cancelled. Raises InputError where the port cannot be had."""
    refuse_code()
    async with Lines(place.identity) as lines:
        scheduler = Scheduler(lines)
        answers: dict[str, Answer] = {
            "lab-workers": scheduler.workers,
            "lab-pass": scheduler.pass_on,
        }
        port = Port(place.url, place.identity, answers, {"lab-join": scheduler.join})
        try:
            async with port:
                ready(port.address)
                await asyncio.Event().wait()
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
    """Be a worker until cancelled: what home asks is answered while a scheduler is away too.

    Raises EngineUnavailable where the scheduler refuses it at the first attempt, InputError where
    ``host`` cannot be listened at.
    """
    refuse_code()
    blobs = Blobs(bench.folder / "blobs")
    answers: dict[str, Answer] = {
        "lab-state": bench.state,
        "lab-begin": bench.begin,
        "lab-take": bench.take,
        "lab-records": bench.records,
        "lab-left": bench.left,
        "lab-end": bench.end,
        "lab-missing": blobs.missing,
        "lab-blob": blobs.add,
    }
    try:
        port = Port(place.at(host or _towards(place), 0), place.identity, answers)
        async with port:
            await _stay(place, facts, port.address, ready, say)
    except OSError as error:
        raise InputError(
            f"{host or 'this host'} cannot be listened at: {error}",
            remedy="--listen names an address of this host that the others reach",
        ) from error
    finally:
        await bench.close()


def _towards(place: Place) -> str:
    """This host's own address on the way to the scheduler."""
    family, kind, number, _, there = socket.getaddrinfo(
        place.host, place.port, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind, number) as probe:
        probe.connect(there)  # sends nothing
        return str(probe.getsockname()[0])


async def _stay(
    place: Place,
    facts: Mapping[str, Any],
    address: str,
    ready: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Be known to the scheduler, and again when it was away."""
    known, told = False, False
    while True:
        refused = None
        try:
            comm = await opened(place.url, place.identity)
        except FAILURES as error:
            refused = _refusal(error)
        else:
            try:
                await comm.write({"op": "lab-join", "facts": dict(facts), "address": address})
                refused = (await asyncio.wait_for(comm.read(), GIVEN_UP)).get("refused")
                if refused is None:
                    ready(address)
                    known, told = True, False
                while refused is None:
                    await asyncio.sleep(_BEAT)
                    await comm.write({})
                    await asyncio.wait_for(comm.read(), GIVEN_UP)
            except FAILURES as error:
                refused = None if known else said(error)
            finally:
                comm.abort()
        if refused is not None and not known:
            raise EngineUnavailable(
                f"no fleet at {place.url} lets this worker in: {refused}",
                remedy="lab fleet scheduler starts one; its certificates, and one name for each "
                "worker, are asked for",
            )
        if not told:
            say("the scheduler is away; builds go on, and it is tried again")
            told = True
        await asyncio.sleep(_BEAT)


def _refusal(error: BaseException) -> str | None:
    """Why a connection was refused; None where nobody was there, which may change."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError | TimeoutError):
            return None
        cause = cause.__cause__ or cause.__context__
    return said(error)
