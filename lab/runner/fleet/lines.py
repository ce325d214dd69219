"""Connections between a fleet's members on dask.distributed: TLS, plain data, and no code.

Each message asks for one thing by name and has one answer. What is pickled is refused wherever it
arrives, before it is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, NoReturn, Self

import dask
import distributed
from distributed import comm
from distributed.core import ConnectionPool
from distributed.protocol import pickle

from lab.model.errors import LabError
from lab.runner.fleet.security import Identity

FAILURES = (OSError, TimeoutError, ValueError, TypeError, KeyError, RuntimeError)
GIVEN_UP = 10.0  # seconds without a word until a member is held to be away
_CONNECT = 3.0  # seconds that a connection may take

Answer = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


class Unreached(OSError):
    """No connection to a member could be made."""


class RefusedPickle(ValueError):
    """A message held pickled objects, which are code."""


def refuse_code() -> None:
    """Let nothing that is pickled be read by this process's connections."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise RefusedPickle("a fleet's messages are plain data: pickled objects are refused")

    pickle.loads = refuse
    dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT:g}s"})
    for name in ("distributed", "asyncio"):  # what matters is said by whoever asked
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


_Security: Any = distributed.Security  # it and these have no types
_comm: Any = comm


def _security(identity: Identity | None) -> Any:
    """The member's certificate, for whatever it does: a distributed.Security."""
    if identity is None:
        return _Security()
    roles = ("client", "scheduler")
    return _Security(
        require_encryption=True,
        tls_ca_file=str(identity.authority),
        **{f"tls_{role}_cert": str(identity.certificate) for role in roles},
        **{f"tls_{role}_key": str(identity.key) for role in roles},
    )


async def opened(url: str, identity: Identity | None) -> Any:
    """A connection to a member. Raises OSError."""
    return await _comm.connect(url, **_security(identity).get_connection_args("client"))


class Lines:
    """Connections to members, kept and used again."""

    def __init__(self, identity: Identity | None) -> None:
        arguments = _security(identity).get_connection_args("client")
        self._pool = ConnectionPool(connection_args=arguments, timeout=_CONNECT)

    async def __aenter__(self) -> Self:
        await self._pool.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def ask(self, url: str, message: Mapping[str, Any], patience: float) -> dict[str, Any]:
        """A member's answer. Raises Unreached, or another of FAILURES once it was reached."""
        try:
            comm: Any = await self._pool.connect(url)
        except FAILURES as error:
            raise Unreached(said(error)) from error
        try:
            async with asyncio.timeout(patience):
                await comm.write(dict(message))
                answer = await comm.read()
        except BaseException:
            comm.abort()
            raise
        finally:
            self._pool.reuse(url, comm)
        if not isinstance(answer, dict) or "error" in answer:
            raise ValueError(f"no answer to {message['op']}: {answer}")
        return answer


class Port:
    """A port at ``url`` that answers what ``answers`` names and nothing else.

    ``streams`` are requests that have their connection for themselves from then on.
    """

    def __init__(
        self,
        url: str,
        identity: Identity | None,
        answers: Mapping[str, Answer],
        streams: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] | None = None,
    ) -> None:
        self._answers, self._streams = answers, streams or {}
        self._serving: set[asyncio.Task[Any]] = set()
        arguments = _security(identity).get_listen_args("scheduler")
        self._listener = _comm.listen(url, self._serve, **arguments)

    async def __aenter__(self) -> Self:
        await self._listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.stop()
        self._listener.abort_handshaking_comms()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where others reach it."""
        return str(self._listener.contact_address)

    async def _serve(self, comm: Any) -> None:
        task = asyncio.ensure_future(self._serve_all(comm))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve_all(self, comm: Any) -> None:
        try:
            while True:
                try:
                    message = await comm.read()
                except RefusedPickle as error:
                    await comm.write({"error": str(error)})
                    continue
                asked = str(message.pop("op", "") if isinstance(message, dict) else "")
                if asked in self._streams:
                    await self._streams[asked](comm, **message)
                    return
                await comm.write(await self._answer(asked, message))
        except (OSError, TypeError, ValueError):
            pass  # it has hung up, or talks of something else
        finally:
            comm.abort()

    async def _answer(self, asked: str, message: Mapping[str, Any]) -> dict[str, Any]:
        if asked not in self._answers:
            return {"error": "nothing of this name is answered here"}
        try:
            return await self._answers[asked](**message)
        except (LabError, *FAILURES) as error:
            return {"error": said(error)}


def said(error: BaseException) -> str:
    """An error in one line."""
    with suppress(UnicodeError):
        return str(error).partition("\n")[0] or type(error).__name__
    return type(error).__name__
