"""What the fault-injecting proxy does to bytes, and where it finds which."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos import streams
from tests.chaos.streams import Fault, Proxy

SAID = b'HTTP/1.1 200 OK\r\nA: b\r\n\r\n1a\r\n{"stream":"Step 1/2 : F"}\r\n0\r\n\r\n'


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """In front of a server that says the same to whoever has asked."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "engine"))
    server.listen()

    def serve() -> None:
        with suppress(OSError):
            while True:
                one, _ = server.accept()
                with one:
                    if one.recv(1 << 16):
                        one.sendall(SAID)

    threading.Thread(target=serve, daemon=True).start()
    with Proxy(tmp_path / "proxy", f"unix://{tmp_path / 'engine'}") as made:
        yield made
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def ask(proxy: Proxy) -> bytes:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(30)
        one.connect(str(proxy.path))
        one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        said = b""
        with suppress(ConnectionError):
            while piece := one.recv(1 << 16):
                said += piece
    return said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", SAID[:20]),
        ("half", SAID[:20]),
        ("delay", SAID),
        ("garble", SAID[:20] + bytes(one ^ 0x15 for one in SAID[20:28]) + SAID[28:]),
        ("double", SAID[:20] + SAID[20:84] + SAID[20:]),
    ],
)
def test_each_fault_does_what_it_says_and_no_more(
    proxy: Proxy, how: str, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "DELAY_S", 0.3)
    proxy.begin(None)
    assert ask(proxy) == SAID
    assert bytes(proxy.seen[0, True]) == SAID
    proxy.begin(Fault(how, 0, True, 20))
    began = time.monotonic()
    assert ask(proxy) == said
    assert proxy.struck
    assert how != "delay" or time.monotonic() - began >= 0.3
    assert ask(proxy) == SAID  # the next connection is whole


def test_every_class_of_bytes_is_found() -> None:
    found = {kind: [SAID[a:b] for a, b in spans] for kind, spans in streams.places(SAID).items()}
    assert found["head"] == [SAID[:25]]
    assert found["chunk size"] == [b"1a\r\n", b"0\r\n"]
    assert found["message"] == [b'{"stream":"Step 1/2 : F"}']
    assert found["end"] == [b"\r\n0\r\n\r\n"]
    kinds = {streams.drawn(1, "x", n, {(0, True): SAID}).kind for n in range(80)}
    assert kinds == {*streams.PLACES, "any"}
