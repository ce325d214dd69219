"""Records the blind logs of tests/fixtures: ``python -m benchmarks.blind_logs OUT.tar.gz``.

Nine steps of real tools: apt, pip, npm with TypeScript and mocha, go, cargo, Maven, autoconf and
make, git with wget, curl, gpg, tar and unzip, and podman. Each good run is recorded four times,
each bad one once; those alone whose name or tool is named after the file. Needs Debian's packages
of these tools (maven-debian-helper, junit4 and mmdebstrap among them), the npm registry, and root.
Its servers listen on loopback.
"""

from __future__ import annotations

import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.blind_causes import CHANGES
from benchmarks.blind_projects import COMMANDS, PROJECTS
from benchmarks.held_out_logs import GOOD, Change, changed, pack, printed

HTTP, HTTPS = 18080, 18443
# Hosts of package archives, which differ from machine to machine.
ARCHIVE = re.compile(
    r"(https?://)[\w.-]*\b(?:repo|registry|deb|proxy|pypi|files)\b(?!\.example)[\w.-]*"
)
CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Shop <shop@example.com>
Depends: {depends}
Description: a part of the shop
"""
DEBS: tuple[tuple[str, str, str, str, str], ...] = (
    # name, version, depends, a file of its own, what its postinst does
    ("libshop2", "2.4-1", "libc6", "opt/shop/lib", ""),
    ("shop-db", "3.0.1-2", "libshop2 (>= 2)", "opt/shop/db", "echo Creating tables...; sleep 0.3"),
    ("shop-server", "5.2-1+b1", "shop-db, libshop2", "opt/shop/server", ""),
    ("shop-broken", "1.1-3", "shop-db", "opt/shop/broken",
     "echo Migrating tables...; install -m 644 /opt/shop/schema.sql /etc/shop.sql"),
    ("shop-unmet", "1.0-1", "libshop2 (>= 9)", "opt/shop/unmet", ""),
    ("shop-torn", "1.0-1", "shop-db", "opt/shop/torn", ""),
    ("shop-gone", "1.0-1", "shop-db", "opt/shop/gone", ""),
    ("shop-overwrites", "1.0-1", "shop-db", "opt/shop/db", ""),
)  # fmt: skip


def main() -> None:
    """Record all of them, or those whose name or tool is named after the file."""
    out, only = Path(sys.argv[1]), set(sys.argv[2:])
    names = [f"{tool}-good{number}" for tool in PROJECTS for number in range(1, GOOD + 1)]
    found = {}
    with tempfile.TemporaryDirectory(prefix="blind-") as folder:
        made = Path(folder)
        _upstream(made)
        _serve(made)
        try:
            for name in (*names, *CHANGES):
                if not only or name in only or name.partition("-")[0] in only:
                    found[name] = _recorded(made, name)
                    sys.stderr.write(f"{name}: {found[name].partition(chr(10))[0]}\n")
        finally:
            pack(out, found)


def _recorded(made: Path, name: str) -> str:
    tool = name.partition("-")[0]
    change = Change(**CHANGES.get(name, {}))
    work = made / f"work-{name}"
    place = work / "src"
    place.mkdir(parents=True)
    for path, text in {**PROJECTS[tool], **change.files}.items():
        if text is not None:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
            (place / path).chmod(0o755 if path.endswith(".sh") else 0o644)
    if tool == "npm":
        shutil.copy(made / "package-lock.json", place)
    shutil.copy(made / "key.gpg", place)
    storage = work / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{work}/run"\ngraphroot = "{work}/graph"\n'
    )
    environ = {
        "PATH": f"{made / 'env/bin'}:{os.environ['PATH']}",
        "CONTAINERS_STORAGE_CONF": str(storage),
        "GOCACHE": str(made / "gocache"),
        "GOFLAGS": "-count=1" if tool == "go" else "",
        "PIP_CONFIG_FILE": os.devnull,
        "MAVEN_OPTS": "-Dstyle.color=never",
        **dict.fromkeys(("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"), ""),
        **change.environ,
    }
    root = work / "root"
    if tool == "apt":
        shutil.copytree(made / "root", root, symlinks=True)
    disk = work / "disk"
    disk.mkdir()
    command = changed(COMMANDS[tool], change.words)
    for word, meant in (("@ROOT@", str(root)), ("@DISK@", str(disk)),
                        ("@HTTPS@", f"https://127.0.0.1:{HTTPS}"),
                        ("@HTTP@", f"http://127.0.0.1:{HTTP}")):  # fmt: skip
        command = command.replace(word, meant)
    # What it mounts is gone with its namespace.
    head = f"mount -t tmpfs -o size=1m none {disk} && "
    script = work / "step.sh"
    script.write_text(head + command)
    text = printed(f"unshare -m sh {script}", place, environ)
    shutil.rmtree(work)
    for port, host in ((HTTP, "files.example.com"), (HTTPS, "tls.example.com")):
        text = text.replace(f"127.0.0.1:{port}", host).replace(f"port {port}", "port 443")
    text = ARCHIVE.sub(r"\1archive.example.com", text)
    return text.replace(str(root), "").replace(str(work), "/work").replace(str(made), "/made")


def _run(*command: str | Path, cwd: Path | None = None, stdin: str | None = None) -> None:
    subprocess.run(command, check=True, cwd=cwd, input=stdin, text=True, capture_output=True)


def _upstream(made: Path) -> None:
    """What the servers have: repositories, archives with a signature, packages; and the root."""
    up = made / "up"
    up.mkdir()
    _repositories(made, up)
    _archives(made, up)
    _debian(made, up / "debian")
    _run(sys.executable, "-m", "venv", made / "env")
    _run(made / "env/bin/pip", "install", "wheel")
    lock = made / "lock"
    lock.mkdir()
    (lock / "package.json").write_text(PROJECTS["npm"]["package.json"])
    _run("npm", "install", "--package-lock-only", cwd=lock)
    shutil.copy(lock / "package-lock.json", made)
    _run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", made / "key.pem",
         "-out", made / "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1")  # fmt: skip


def _repositories(made: Path, up: Path) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c",
           "protocol.file.allow=always")  # fmt: skip
    for name, part in (("part", None), ("shop", "part"), ("with-lost-part", "lost")):
        tree = made / "trees" / name
        tree.mkdir(parents=True)
        for n in range(20):
            (tree / f"file-{n}.txt").write_text(f"{name} {n}\n" * 200)
        _run(*git, "init", "-q", "-b", "main", cwd=tree)
        if part:
            _run(*git, "submodule", "add", made / "trees" / "part", "part", cwd=tree)
            url = f"http://127.0.0.1:{HTTP}/{part}.git"
            (tree / ".gitmodules").write_text(f'[submodule "part"]\n\tpath = part\n\turl = {url}\n')
        _run(*git, "add", ".", cwd=tree)
        _run(*git, "commit", "-q", "-m", "all", cwd=tree)
        _run("git", "clone", "-q", "--bare", tree, up / f"{name}.git")
        _run("git", "update-server-info", cwd=up / f"{name}.git")


def _archives(made: Path, up: Path) -> None:
    files = made / "files"
    files.mkdir()
    (files / "stock.bin").write_bytes(os.urandom(1_500_000))
    (files / "stock.txt").write_text("tea 40\n" * 100)
    (files / "rates.csv").write_text("1,2\n" * 4000)
    _run("tar", "-czf", up / "stock.tar.gz", "stock.bin", "stock.txt", cwd=files)
    _run("zip", "-q", up / "tables.zip", "rates.csv", "stock.txt", cwd=files)
    home = made / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", home, "--batch", "--yes", "--passphrase", "")
    _run(*gpg, "--quick-generate-key", "Shop <shop@example.com>", "rsa2048")
    _run(*gpg, "--output", made / "key.gpg", "--export")
    for data, name in (
        (up / "stock.tar.gz", "stock.tar.gz.asc"),
        (files / "rates.csv", "other.asc"),
    ):
        _run(*gpg, "--armor", "--output", up / name, "--detach-sign", data)
    _run("gpgconf", "--homedir", home, "--kill", "all")


def _debian(made: Path, pool: Path) -> None:
    pool.mkdir()
    for name, version, depends, path, script in DEBS:
        tree = made / "debs" / name
        (tree / "DEBIAN").mkdir(parents=True)
        control = CONTROL.format(name=name, version=version, depends=depends)
        (tree / "DEBIAN/control").write_text(control)
        if script:
            (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\nset -e\n{script}\n")
            (tree / "DEBIAN/postinst").chmod(0o755)
        (tree / path).parent.mkdir(parents=True)
        (tree / path).write_bytes(os.urandom(100_000))
        _run("dpkg-deb", "--build", tree, pool)
    index = subprocess.run(
        ["apt-ftparchive", "packages", "."], cwd=pool, check=True, capture_output=True
    )
    (pool / "Packages").write_bytes(index.stdout)
    torn = next(pool.glob("shop-torn_*"))
    torn.write_bytes(torn.read_bytes()[:-20] + bytes(20))
    next(pool.glob("shop-gone_*")).unlink()
    root = made / "root"
    _run("mmdebstrap", "--variant=apt", "bookworm", root)
    shutil.rmtree(root / "dev")  # no device file is copied; what apt needs of them is one
    (root / "dev").mkdir()
    (root / "dev/null").write_bytes(b"")
    (root / "etc/apt/sources.list").write_text(
        f"deb [trusted=yes] http://127.0.0.1:{HTTP}/debian ./\n"
    )
    (root / "unsigned.list").write_text(f"deb http://127.0.0.1:{HTTP}/nightly ./\n")


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files, and what goes wrong with them under some paths."""

    def do_GET(self) -> None:
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "hang":
            time.sleep(8)
            self.close_connection = True
        elif kind == "busy":
            self.send_error(503)
        elif kind == "private":
            self._answer(b"", 401, {"WWW-Authenticate": 'Basic realm="shop"'})
        elif kind == "login":
            self._answer(b"<!doctype html>\n<title>Sign in</title>\n" * 50)
        elif kind == "torn":
            data = (Path(self.directory) / rest).read_bytes()
            self._answer(data[: len(data) // 2])
        elif kind == "cut":
            data = (Path(self.directory) / rest).read_bytes()
            self._answer(data[:9000], length=len(data))
            self.close_connection = True
        elif kind == "other":
            self._answer((Path(self.directory) / "other.asc").read_bytes())
        else:
            super().do_GET()

    def _answer(
        self,
        body: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing: what it was asked is in the tools' own logs."""


def _serve(made: Path) -> None:
    def handler(*args: Any) -> _Handler:
        return _Handler(*args, directory=str(made / "up"))

    for port in (HTTP, HTTPS):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        if port == HTTPS:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made / "cert.pem", made / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    main()
