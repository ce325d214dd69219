"""The admission webhook's server: HTTPS, an answer from files, nothing that it keeps.

One thread with an event loop: a thread for each connection had to wait for Python's lock up to 5 ms
a time, and one answer in a hundred came after 38 ms (benchmarks/README.md).

The API server keeps connections open. A certificate that is replaced on disk (cert-manager does it
every few months) is taken up by the next connection; one that is broken is said on standard error,
and the one before goes on.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from lab.model.errors import InputError
from lab.report.rollout.admission import Judge, Malformed
from lab.report.rollout.requests import Refused, Request, answer, read

_QUIET_S = 90.0  # a connection that says nothing for so long is closed
_HANDSHAKE_S = 5.0
_CLOSING_S = 1.0
_WAITING = 128  # connections that the kernel holds until they are accepted


class Webhook:
    """Answers reviews until it is closed. Raises InputError where it cannot listen, or where the
    certificate and its key are not usable.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        address: tuple[str, int],
        pair: tuple[Path, Path],
        say: Callable[[str], None],
    ) -> None:
        self.judge = judge
        self._pair = pair
        self._say = say
        self._signs = self._look()
        try:
            self._tls = _context(*pair)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the certificate {pair[0]} with the key {pair[1]} cannot be used: {error}",
                remedy="give a PEM certificate and its own key, without a passphrase",
            ) from error
        try:  # the address is free again at once: it is started anew on the same port
            family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server(address, family=family, backlog=_WAITING)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen on {address[0]}:{address[1]}: {error}",
                remedy="choose another with --port",
            ) from error
        self._socket.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._accepting = self._loop.create_task(self._accept())
        self._open: set[asyncio.Task[None]] = set()
        self._serving = Lock()

    @property
    def server_port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        held = [self._accepting, *self._open]
        for one in held:
            one.cancel()
        # A signal may have ended one of them: that is known, and no error of its own.
        self._loop.run_until_complete(asyncio.gather(*held, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.01))  # what was aborted is let go
        self._loop.close()
        self._socket.close()

    def serve_forever(self) -> None:
        """Answer until `shutdown`, or until a signal ends it."""
        with self._serving, suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._accepting)

    def shutdown(self) -> None:
        """Let `serve_forever` return, and wait until it has; from another thread."""
        self._loop.call_soon_threadsafe(self._accepting.cancel)
        with self._serving:
            pass

    async def _accept(self) -> None:
        """Take connections. Whoever is slow to greet holds up nobody else."""
        while True:
            try:
                plain, _ = await self._loop.sock_accept(self._socket)
            except OSError:  # no file descriptor is free, or the client has gone away again
                await asyncio.sleep(0.01)
                continue
            self._renew()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._connection(plain, self._tls))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _connection(self, plain: socket.socket, tls: ssl.SSLContext) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        # A client that goes away, or does not trust the certificate, is no error of ours.
        with suppress(OSError, EOFError, TimeoutError):
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol,
                plain,
                ssl=tls,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=_CLOSING_S,
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            try:
                while await self._answered(reader, writer):
                    pass
            except asyncio.CancelledError:
                transport.abort()
                raise
            finally:
                writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request answered; whether another may follow."""
        async with asyncio.timeout(_QUIET_S):
            try:
                request = await read(reader, writer)
            except Refused as refused:
                writer.write(answer(HTTPStatus.BAD_REQUEST, {"error": str(refused)}, last=True))
                await writer.drain()
                return False
            if request is None:
                return False
            writer.write(answer(*self._response(request), last=request.last))
            await writer.drain()
        return not request.last

    def _response(self, request: Request) -> tuple[HTTPStatus, dict[str, Any]]:
        """A review's answer; to a probe, whether it lives and whether verdicts can be read."""
        if request.method == "GET":
            ready = request.path == "/healthz" or (
                request.path == "/readyz" and self.judge.verdicts.is_dir()
            )
            return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, {"ready": ready}
        try:
            return HTTPStatus.OK, self.judge.review(json.loads(request.body))
        except (Malformed, ValueError, RecursionError, AttributeError, TypeError) as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}

    def _look(self) -> tuple[tuple[int, int], ...] | None:
        try:
            found = tuple(path.stat() for path in self._pair)
        except OSError:
            return None
        return tuple((one.st_mtime_ns, one.st_ino) for one in found)

    def _renew(self) -> None:
        now = self._look()
        if now is None or now == self._signs:
            return
        self._signs = now
        try:
            self._tls = _context(*self._pair)
        except (OSError, ValueError) as error:
            self._say(f"the new certificate cannot be used, the one before goes on: {error}")


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without a password function a key that has one would be asked for on the terminal.
    context.load_cert_chain(cert, key, password=lambda: b"")
    return context
