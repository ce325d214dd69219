"""Home's connection to a fleet: requests to its scheduler, and through it to its workers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from distributed.core import ConnectionPool

from lab.model.errors import EngineUnavailable
from lab.runner.fleet import nodes
from lab.runner.fleet.security import Place

T = TypeVar("T")
FAILURES = (OSError, TimeoutError, ValueError, TypeError, KeyError, RuntimeError)
_PATIENCE = 10.0  # seconds that the scheduler has for an answer


class Calls:
    """Requests from any thread; they are sent by a thread of their own."""

    def __init__(self, place: Place) -> None:
        nodes.refuse_code()
        self.place = place
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self._thread.start()
        self._pool = self.do(self._opened())

    async def _opened(self) -> ConnectionPool:
        arguments = nodes.security(self.place.identity).get_connection_args("client")
        pool = ConnectionPool(connection_args=arguments, timeout=_PATIENCE)
        await pool.start()
        return pool

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the connection's thread, and wait for it."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin it in the connection's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def workers(self) -> dict[str, dict[str, Any]]:
        """The workers that are there, by name: what each states, and its ``address``."""
        told = await asyncio.wait_for(self._pool(self.place.url).identity(), _PATIENCE)
        return {
            one["lab"]["name"]: {**one["lab"], "address": address}
            for address, one in told["workers"].items()
            if "lab" in one
        }

    async def ask(
        self, address: str, what: str, *, patience: float = _PATIENCE, **values: Any
    ) -> dict[str, Any]:
        """A worker's answer. Raises one of FAILURES."""
        message = {"op": f"lab-{what}", **values}
        asked = self._pool(self.place.url).proxy(worker=address, msg=message)
        answer = await asyncio.wait_for(asked, patience)
        if not isinstance(answer, dict) or answer.get("status") == "uncaught-error":
            raise ValueError(f"no answer to {what}")
        return answer

    def first(self) -> dict[str, dict[str, Any]]:
        """The workers. Raises EngineUnavailable where no scheduler answers."""
        try:
            return self.do(self.workers())
        except FAILURES as error:
            raise EngineUnavailable(
                f"no fleet answers at {self.place.url}: {str(error) or type(error).__name__}",
                remedy="lab fleet scheduler starts one; with certificates, --certificates names "
                "this member's",
            ) from error

    async def _closed(self) -> None:
        await self._pool.close()

    def close(self) -> None:
        """Let go of every connection."""
        self.do(self._closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
