"""The admission webhook's server: HTTPS, an answer from files, nothing that it keeps.

The API server keeps connections open. A certificate that is replaced on disk (cert-manager does it
every few months) is taken up by the next connection; one that is broken is said on standard error,
and the one before goes on.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

from lab.model.errors import InputError
from lab.report.rollout.admission import Judge, Malformed

_LARGEST = 8 << 20  # etcd takes objects of 1.5 MB; a review holds an old and a new one
_QUIET_S = 90.0  # a connection that says nothing for so long is closed
_HANDSHAKE_S = 5.0


class Webhook(ThreadingHTTPServer):
    """Answers reviews until it is closed. Raises InputError where it cannot listen, or where the
    certificate and its key are not usable.
    """

    daemon_threads = True
    allow_reuse_address = True  # it is started again on the same port
    request_queue_size = 128

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
        try:
            super().__init__(address, _Handler)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen on {address[0]}:{address[1]}: {error}",
                remedy="choose another with --port",
            ) from error

    def get_request(self) -> tuple[Any, Any]:
        """A connection, not yet greeted: whoever is slow at that holds up its own thread alone."""
        plain, address = self.socket.accept()
        self._renew()
        plain.settimeout(_HANDSHAKE_S)
        wrapped = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that goes away, or does not trust the certificate, is no error of ours."""

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


class _Handler(BaseHTTPRequestHandler):
    server: Webhook
    server_version = "lab"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # the answer's head and body in one packet
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.request.do_handshake()
        self.request.settimeout(_QUIET_S)
        super().setup()

    def do_POST(self) -> None:
        """Answer a review."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, {"error": "no length, or too long"})
            return
        body = self.rfile.read(int(length))
        try:
            review = self.server.judge.review(json.loads(body))
        except (Malformed, ValueError, RecursionError, AttributeError, TypeError) as error:
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._send(HTTPStatus.OK, review)

    def do_GET(self) -> None:
        """Say that it lives, and whether verdicts can be read."""
        ready = self.path == "/healthz" or (
            self.path == "/readyz" and self.server.judge.verdicts.is_dir()
        )
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        self._send(status, {"ready": ready})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Nothing: the API server's audit log has every answer."""

    def _send(self, status: HTTPStatus, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
