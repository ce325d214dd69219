"""A relay between an engine and a registry: it counts what passes and slows it to a link's pace.

It listens on loopback in the engine's own network namespace and hands everything on to a Unix
socket or another address. A link has a round trip time and a rate for each direction; connections
share the rate, as they would share the line. What is on its way waits in the relay, at most
``WINDOW`` bytes a connection, so that memory does not grow with what passes.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.host import netns

PIECE = 256 * 1024
WINDOW = 4 * 1024 * 1024

Target = Path | tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A line to the registry. Seconds, and bytes a second; None is as fast as the machine is."""

    round_trip_s: float = 0.0
    down: float | None = None
    up: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Bytes that passed: ``up`` to the registry, ``down`` from it."""

    up: int = 0
    down: int = 0

    def since(self, before: Passed) -> Passed:
        """What has passed after ``before`` was read."""
        return Passed(up=self.up - before.up, down=self.down - before.down)


@dataclass(slots=True)
class _Line:
    """One direction of the link: who sends next waits until the line is free."""

    rate: float | None
    bytes: int = 0
    free: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, size: int, delay_s: float) -> float:
        """Count ``size`` bytes; when the last of them has arrived, on the monotonic clock."""
        with self.lock:
            self.bytes += size
            now = time.monotonic()
            if self.rate is None:
                return now + delay_s
            self.free = max(now, self.free) + size / self.rate
            return self.free + delay_s


class Relay:
    """Open from the start; ``close`` ends it and every connection through it."""

    def __init__(
        self, target: Target, *, namespace: Path | None = None, link: Link | None = None
    ) -> None:
        self._target, self._link = target, link or Link()
        self._up, self._down = _Line(self._link.up), _Line(self._link.down)
        self._listener = netns.listen(namespace)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._start(self._accept)

    @property
    def address(self) -> str:
        """HOST:PORT, as whoever is in its namespace names it."""
        return f"127.0.0.1:{self.port}"

    def passed(self) -> Passed:
        """What has passed so far."""
        return Passed(up=self._up.bytes, down=self._down.bytes)

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        with self._lock:
            self._closed = True
            ended = [self._listener, *self._open]
        for one in ended:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in accept or recv
            one.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, work: Callable[..., None], *given: object) -> None:
        name = f"relay {self.port}"
        threading.Thread(target=work, args=given, name=name, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            # Small requests go at once: the relay's own waiting is the only one that is meant.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        if not self._hold(client):
            return
        time.sleep(self._link.round_trip_s)  # a connection's own hand-shake
        try:
            server = _connected(self._target)
        except OSError:
            self._drop(client)
            return
        if not self._hold(server):
            self._drop(client)
            return
        done = threading.Barrier(2, action=lambda: self._drop(client, server))
        self._start(self._copy, client, server, self._up, done)
        self._start(self._copy, server, client, self._down, done)

    def _hold(self, one: socket.socket) -> bool:
        with self._lock:
            if not self._closed:
                self._open.add(one)
                return True
        one.close()
        return False

    def _drop(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open.difference_update(sockets)
        for one in sockets:
            one.close()

    def _copy(
        self, source: socket.socket, sink: socket.socket, line: _Line, done: threading.Barrier
    ) -> None:
        # Reading goes on while earlier pieces are on their way: latency costs no throughput.
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(WINDOW // PIECE)
        self._start(self._read, source, line, waiting)
        broken = False
        while (piece := waiting.get())[1]:
            if broken:
                continue  # whoever reads must not wait for room for ever
            time.sleep(max(0.0, piece[0] - time.monotonic()))
            try:
                sink.sendall(piece[1])
            except OSError:
                broken = True
                with suppress(OSError):
                    source.shutdown(socket.SHUT_RD)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        done.wait()

    def _read(
        self, source: socket.socket, line: _Line, waiting: queue.Queue[tuple[float, bytes]]
    ) -> None:
        half = self._link.round_trip_s / 2
        with suppress(OSError):
            while piece := source.recv(PIECE):
                waiting.put((line.due(len(piece), half), piece))
        waiting.put((time.monotonic() + half, b""))


def _connected(target: Target) -> socket.socket:
    if isinstance(target, Path):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.connect(str(target))
        except OSError:
            made.close()
            raise
        return made
    return socket.create_connection(target, timeout=10)
