"""The rehearsal's server, run in a network namespace: names over UDP, the archive by HTTP.

It ends when its standard input does, so it cannot outlive the lab.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path


class Names(socketserver.BaseRequestHandler):
    """Answers every A question with the server's address (RFC 1035)."""

    address = b""

    def handle(self) -> None:
        question, socket = self.request
        head = question[:2] + b"\x84\x00" + b"\x00\x01\x00\x01\x00\x00\x00\x00"
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04" + self.address
        socket.sendto(head + question[12:] + answer, self.client_address)


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the archive's folder without a word."""

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def main() -> None:
    plan = json.loads(sys.argv[1])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Names.address = bytes(map(int, plan["server"].split(".")))
    names = socketserver.UDPServer(("0.0.0.0", 53), Names)  # noqa: S104 (its own namespace)
    handler = functools.partial(Files, directory=str(Path(plan["archive"]).parent))
    files = http.server.ThreadingHTTPServer(("0.0.0.0", plan["port"]), handler)  # noqa: S104 (so too)
    for server in (names, files):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    os.write(1, b"ready\n")
    sys.stdin.read()


if __name__ == "__main__":
    main()
