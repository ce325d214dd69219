"""The relay: what passes is counted to the byte, and takes as long as the link says."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from lab.host.relay import WINDOW, Link, Passed, Relay

MOST = 3 * WINDOW  # more than the relay holds at a time


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Path]:
    """A server on a Unix socket that answers each byte with two."""
    place = tmp_path / "echo.sock"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as server:
        server.bind(str(place))
        server.listen(8)

        def serve() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(one,), daemon=True).start()

        def answer(one: socket.socket) -> None:
            with one, suppress(OSError):  # whoever asked may have gone
                while data := one.recv(65536):
                    one.sendall(data * 2)

        threading.Thread(target=serve, daemon=True).start()
        yield place
        server.shutdown(socket.SHUT_RDWR)


def exchange(port: int, size: int) -> int:
    """Send so many bytes, close the sending half, and count what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as one:

        def send() -> None:
            one.sendall(b"x" * size)
            one.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        found = 0
        while data := one.recv(65536):
            found += len(data)
        sender.join()
        return found


def test_all_passes_and_is_counted(echo: Path) -> None:
    with Relay(echo) as relay:
        assert exchange(relay.port, MOST) == 2 * MOST
        before = relay.passed()
        assert before == Passed(up=MOST, down=2 * MOST)
        assert exchange(relay.port, 10) == 20
        assert relay.passed().since(before) == Passed(up=10, down=20)


def test_memory_does_not_grow_with_what_passes(echo: Path) -> None:
    peaks = [peak_of_passing(echo, size) for size in (2 * WINDOW, 8 * WINDOW)]
    assert peaks[1] - peaks[0] < WINDOW


def peak_of_passing(echo: Path, size: int) -> int:
    """The most memory that is held while so much passes to a reader slower than the writer."""
    piece = b"x" * (1 << 16)
    with Relay(echo) as relay, socket.create_connection(("127.0.0.1", relay.port)) as one:

        def send() -> None:
            for _ in range(size // len(piece)):
                one.sendall(piece)
            one.shutdown(socket.SHUT_WR)

        tracemalloc.start()
        try:
            sender = threading.Thread(target=send)
            sender.start()
            time.sleep(0.2)  # what the relay may hold, it then holds
            found = 0
            while data := one.recv(1 << 16):
                found += len(data)
            sender.join()
            assert found == 2 * size
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.slow
def test_latency_is_paid_on_the_way_and_back(echo: Path) -> None:
    with Relay(echo, link=Link(round_trip_s=0.1)) as relay:
        start = time.monotonic()
        assert exchange(relay.port, 1) == 2
        assert time.monotonic() - start >= 0.2  # the connection's own hand-shake, and the answer


@pytest.mark.slow
def test_connections_share_the_rate(echo: Path) -> None:
    with Relay(echo, link=Link(down=1_000_000)) as relay:
        start = time.monotonic()
        both = [threading.Thread(target=exchange, args=(relay.port, 50_000)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert time.monotonic() - start >= 0.2  # 200 kB came down at 1 MB/s


def test_a_client_that_goes_away_leaves_nothing_waiting(echo: Path) -> None:
    with Relay(echo) as relay:
        one = socket.create_connection(("127.0.0.1", relay.port), timeout=5)
        one.sendall(b"x" * PIECES)
        one.close()
        deadline = time.monotonic() + 30
        while threads(relay) > 1:  # the one that waits for connections
            assert time.monotonic() < deadline, "threads of the relay wait for ever"
            time.sleep(0.01)


def test_a_registry_that_is_down_closes_the_connection(tmp_path: Path) -> None:
    with Relay(tmp_path / "none.sock") as relay:
        assert exchange_or_reset(relay.port) == b""


PIECES = 1_000_000


def threads(relay: Relay) -> int:
    return sum(one.name == f"relay {relay.port}" for one in threading.enumerate())


def exchange_or_reset(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        try:
            return one.recv(1)
        except ConnectionResetError:
            return b""
