"""Servers on this machine's loopback that builds fetch from: files over HTTP, a git daemon."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.matrix_project import content
from lab.caching.matrix import Placed

HOST = "127.0.0.1"
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "lab"),
        ("EMAIL", "lab@localhost"),
        ("DATE", "2026-01-01T00:00:00Z"),
    )
}


@dataclass(slots=True)
class Loopback:
    """What is served: files by their path, repositories below a folder."""

    http: int
    git: int
    folder: Path
    files: dict[str, Placed] = field(default_factory=dict)
    _commits: dict[str, tuple[int, int]] = field(default_factory=dict)

    def offer(
        self, files: Mapping[str, Placed], repositories: Mapping[str, tuple[int, int]]
    ) -> None:
        """Serve these from now on, and what was served before under other names."""
        self.files.update(files)
        for name, (commits, branch) in repositories.items():
            done, other = self._commits.get(name, (0, 0))
            for number in range(done, commits):
                self._commit(name, "main", number)
            for number in range(other, branch):
                self._commit(name, "other", number)
            self._commits[name] = commits, branch

    def _commit(self, name: str, branch: str, number: int) -> None:
        """Put a commit on a branch of a bare repository, without a work tree."""
        folder = self.folder / name
        if not folder.exists():
            self._git("init", "--quiet", "--bare", "--initial-branch=main", str(folder))
        blob = self._git("-C", str(folder), "hash-object", "-w", "--stdin", said=f"{name} {number}")
        tree = self._git("-C", str(folder), "mktree", said=f"100644 blob {blob}\tf\n")
        made = self._git("-C", str(folder), "commit-tree", tree, "-m", f"{branch} {number}")
        self._git("-C", str(folder), "update-ref", f"refs/heads/{branch}", made)

    @staticmethod
    def _git(*words: str, said: str = "") -> str:
        done = subprocess.run(
            ["git", *words],
            input=said.encode(),
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, **_WHO},
        )
        return done.stdout.decode().strip()


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Both servers, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="lab-git-") as folder:
        served = Loopback(http=0, git=_free_port(), folder=Path(folder))
        server = ThreadingHTTPServer((HOST, 0), _handler(served))
        served.http = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        where = [f"--base-path={folder}", f"--listen={HOST}", f"--port={served.git}"]
        command = ["git", "daemon", "--export-all", "--reuseaddr", *where, folder]
        daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _wait(served.git)
            yield served
        finally:
            daemon.terminate()
            daemon.wait(10)
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(served: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            placed = served.files.get(self.path.lstrip("/"))
            data = b"" if placed is None else content(placed)
            etag = f'"{placed.etag}"' if placed is not None and placed.etag else ""
            same = bool(etag) and self.headers.get("If-None-Match") == etag
            self.send_response(404 if placed is None else 304 if same else 200)
            self.send_header("Content-Length", "0" if same else str(len(data)))
            if placed is not None:
                self.send_header("Last-Modified", formatdate(placed.mtime or 1e9, usegmt=True))
            if etag:
                self.send_header("ETag", etag)
            self.end_headers()
            if body and not same:
                self.wfile.write(data)

    return Handler


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("the git daemon does not answer")
