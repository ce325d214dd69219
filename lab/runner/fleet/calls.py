"""Home's requests to a fleet: to its scheduler, and to its workers, which it asks themselves.

A worker that cannot be reached from home is asked through the scheduler.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from lab.model.errors import EngineUnavailable
from lab.runner.fleet.lines import FAILURES, Lines, Unreached, refuse_code, said
from lab.runner.fleet.security import Place

T = TypeVar("T")
_PATIENCE = 10.0  # seconds that an answer may take
_MORE = 5.0  # seconds that one through the scheduler may take longer


class Gone(OSError):
    """A worker is neither within reach nor known to the scheduler."""


class NotKnown(OSError):
    """Only the scheduler can say whether a worker lives, and it is away itself."""


class Calls:
    """Requests from any thread; they are sent by a thread of their own."""

    def __init__(self, place: Place) -> None:
        refuse_code()
        self.place = place
        self._within: set[str] = set()  # addresses that have answered home itself
        self._beyond: set[str] = set()  # those that answered through the scheduler last
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self._thread.start()
        self._lines = self.do(self._opened())

    async def _opened(self) -> Lines:
        return await Lines(self.place.identity).__aenter__()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the connection's thread, and wait for it."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin it in the connection's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def workers(self) -> dict[str, dict[str, Any]]:
        """The workers that are there, by name: what each states, and its ``address``."""
        told = await self._lines.ask(self.place.url, {"op": "lab-workers"}, _PATIENCE)
        return dict(told["workers"])

    async def ask(
        self, address: str, what: str, *, patience: float = _PATIENCE, **values: Any
    ) -> dict[str, Any]:
        """A worker's answer. Raises Gone, NotKnown or another of FAILURES."""
        message = {"op": f"lab-{what}", **values}
        ways = [self._direct, self._passed]
        if address in self._beyond:
            ways.reverse()
        failures: list[OSError] = []
        for way in ways:
            try:
                return await way(address, message, patience)
            except (Gone, Unreached, NotKnown) as error:
                failures.append(error)
        raise min(failures, key=lambda one: (Gone, Unreached, NotKnown).index(type(one)))

    async def _direct(
        self, address: str, message: Mapping[str, Any], patience: float
    ) -> dict[str, Any]:
        try:
            answer = await self._lines.ask(address, message, patience)
        except Unreached as error:
            if address in self._within:
                raise
            raise NotKnown(str(error)) from error  # it never was within reach
        self._within.add(address)
        self._beyond.discard(address)
        return answer

    async def _passed(
        self, address: str, message: Mapping[str, Any], patience: float
    ) -> dict[str, Any]:
        asked = {"op": "lab-pass", "address": address, "message": message, "patience": patience}
        try:
            told = await self._lines.ask(self.place.url, asked, patience + _MORE)
        except FAILURES as error:
            raise NotKnown(f"the scheduler does not answer: {said(error)}") from error
        if "answer" in told:
            self._beyond.add(address)
            return dict(told["answer"])
        if "unknown" in told:
            raise NotKnown("the scheduler has just begun and does not know it yet")
        if "gone" in told:
            raise Gone("it has left the fleet")
        raise Unreached(told["silent"])

    def first(self) -> dict[str, dict[str, Any]]:
        """The workers. Raises EngineUnavailable where no scheduler answers."""
        try:
            return self.do(self.workers())
        except FAILURES as error:
            raise EngineUnavailable(
                f"no fleet answers at {self.place.url}: {said(error)}",
                remedy="lab fleet scheduler starts one; with certificates, --certificates names "
                "this member's",
            ) from error

    def close(self) -> None:
        """Let go of every connection."""
        self.do(self._lines.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
