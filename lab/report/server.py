"""`lab serve`'s server: read-only, on this machine's loopback, for this machine's own pages only.

A page of another site can make a browser send requests to loopback. So a request must name this
server as its host (else a name that an attacker points here would do: DNS rebinding), and one that
a browser says comes from elsewhere is refused.
"""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lab.model.errors import InputError, LabError
from lab.report import html, live_state, run_index
from lab.report.metrics.scrape import Scrape
from lab.report.run_rows import Rows
from lab.results import runs

LOOPBACK = "127.0.0.1"
MOST = 64  # connections at a time, each with a thread
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
HTML, JSON = "text/html; charset=utf-8", "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Server(ThreadingHTTPServer):
    """Serves one folder of runs until it is closed. ``port`` 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, results: Path, port: int) -> None:
        self._open: dict[Any, None] = {}  # connections, the oldest first
        self._lock = Lock()
        self.results = results
        self.rows = Rows(results)
        self.scrape = Scrape(results)
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen on {LOOPBACK}:{port}: {error}", remedy="choose another with --port"
            ) from error

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def server_close(self) -> None:
        """Stop reading, too."""
        super().server_close()
        self.rows.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread. Where there are too many, the one that has been there longest ends:
        a page takes milliseconds, so that is a client that does not ask.
        """
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > MOST else None
            self._open.pop(oldest, None)
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Let go of a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away in the middle is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 20.0  # seconds that a client may be silent
    server_version = "lab"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        why = self._foreign()
        if why:
            self._send(HTTPStatus.FORBIDDEN, why, "text/plain")
            return
        try:
            body, kind = self._found()
        except (InputError, FileNotFoundError) as error:
            self._send(HTTPStatus.NOT_FOUND, f"{error}\n", "text/plain; charset=utf-8")
        except LabError as error:
            text = f"{error.message}\n"
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, text, "text/plain; charset=utf-8")
        else:
            self._send(HTTPStatus.OK, body, kind)

    do_HEAD = do_GET  # noqa: N815 (the name that http.server calls)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Nothing: whoever looks at a report needs no log of it."""

    def _foreign(self) -> str:
        """Why this request is refused; empty where it comes from the server's own pages."""
        port = self.server.server_port
        own = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}
        if self.headers.get("Host", "").lower() not in own:
            return "this server answers to its loopback address only\n"
        origin = self.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in own}:
            return "requests from other sites are refused\n"
        if self.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return "requests from other sites are refused\n"
        return ""

    def _found(self) -> tuple[str, str]:
        address = urlsplit(self.path)
        first, _, rest = address.path.strip("/").partition("/")
        name = unquote(rest)
        match first:
            case "":
                query = parse_qs(address.query)
                return run_index.index(self.server.rows, self.server.results, query), HTML
            case "runs":
                return run_index.of_run(self._folder(name)), HTML
            case "live":
                return run_index.live(self._folder(name)), HTML
            case "trend":
                since = parse_qs(address.query).get("since", [""])[0]
                known = [row.head for row in reversed(self.server.rows.all())]
                return run_index.trend(known, name, since), HTML
            case "metrics" if not rest:
                return self.server.scrape.text(), PROMETHEUS
            case "api" if name.startswith("live/"):
                state = live_state.read(self._folder(name.removeprefix("live/")))
                value = state or {"said": "nothing is under way", "rows": []}
                return html.embedded(value | {"ended": state is None}), JSON
            case _:
                raise InputError(
                    f"there is no page {one_path(self.path)}", remedy="the list of runs is at /"
                )

    def _folder(self, name: str) -> Path:
        """The run of exactly this name: a list decides, so that no path leads out of the folder."""
        if name not in runs.runs(self.server.results):
            raise InputError(f"there is no run {one_path(name)}", remedy="the list of runs is at /")
        return self.server.results / name

    def _send(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode(errors="backslashreplace")
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def one_path(text: str) -> str:
    """A path as a message may hold it."""
    return json.dumps(text[:200])
