"""Where an engine answers: named by the user, by the environment, by a docker context, or found.

The order is issue 2's. What the user named must answer: a name that does not is an error, never a
reason to use another engine quietly.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lab.model.errors import EngineUnavailable, InputError

PING_S = 3.0
SCHEMES = ("unix", "tcp", "http", "https", "ssh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates for a daemon behind TLS, as DOCKER_CERT_PATH holds them."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an engine answers, and who said so."""

    url: str
    origin: str
    tls: Tls | None = None


def resolve(
    engine: str, named: str | None = None, environ: Mapping[str, str] | None = None
) -> Endpoint | None:
    """The endpoint of ``engine`` ("docker" or "podman"); None where a private one is called for.

    Raises EngineUnavailable where what the user named does not answer or is the other engine, and
    InputError on a URL that is none.
    """
    environ = os.environ if environ is None else environ
    chosen = _chosen(engine, named, environ)
    if chosen is not None:
        _check(chosen, engine)
        return chosen
    for path in usual_sockets(engine, environ):
        if path.is_socket() and ping(f"unix://{path}") == engine:
            return Endpoint(url=f"unix://{path}", origin="found")
    return None


def ping(url: str, tls: Tls | None = None, timeout_s: float = PING_S) -> str | None:
    """Which engine answers: "docker" or "podman"; None where none does.

    Both answer GET /_ping; podman adds the version of its own API (libpod) to the headers.
    """
    try:
        with closing(_connection(url, tls, timeout_s)) as connection:
            connection.request("GET", "/_ping", headers={"Host": "lab"})
            response = connection.getresponse()
            response.read(1024)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    if response.status != 200:
        return None
    return "podman" if response.getheader("Libpod-API-Version") else "docker"


def reachable(url: str, path: str, timeout_s: float = PING_S) -> bool:
    """Whether GET ``path`` is answered with 200."""
    try:
        with closing(_connection(url, None, timeout_s)) as connection:
            connection.request("GET", path, headers={"Host": "lab"})
            response = connection.getresponse()
            response.read()
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return response.status == 200


def ask(
    url: str, path: str, tls: Tls | None = None, *, accept: str = "*/*"
) -> Mapping[str, object]:
    """What an engine answers to GET ``path``, a JSON object; empty where it answers none."""
    try:
        with closing(_connection(url, tls, PING_S)) as connection:
            connection.request("GET", path, headers={"Host": "lab", "Accept": accept})
            value = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def usual_sockets(engine: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where an engine's socket lies by default: the system's, then the user's own."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    home = Path(environ.get("HOME") or Path.home())
    if engine == "docker":
        own = (runtime / "docker.sock", home / ".docker/run/docker.sock")
        return (Path("/var/run/docker.sock"), *own, home / ".docker/desktop/docker.sock")
    return (Path("/run/podman/podman.sock"), runtime / "podman/podman.sock")


def _chosen(engine: str, named: str | None, environ: Mapping[str, str]) -> Endpoint | None:
    if named:
        return Endpoint(url=_url(named, f"--engine {engine}"), origin="named", tls=_tls(environ))
    if engine == "docker":
        host = environ.get("DOCKER_HOST")
        if host:
            return Endpoint(url=_url(host, "DOCKER_HOST"), origin="DOCKER_HOST", tls=_tls(environ))
        return _context(environ)
    container_host = environ.get("CONTAINER_HOST")
    if container_host:
        return Endpoint(url=_url(container_host, "CONTAINER_HOST"), origin="CONTAINER_HOST")
    host = environ.get("DOCKER_HOST")
    # podman's own tools read DOCKER_HOST too; it is theirs only where a podman answers.
    if host and not host.startswith("ssh") and ping(_url(host, "DOCKER_HOST")) == "podman":
        return Endpoint(url=host, origin="DOCKER_HOST")
    return None


def _check(endpoint: Endpoint, engine: str) -> None:
    if urlsplit(endpoint.url).scheme == "ssh":
        return  # the SDK opens the tunnel, and its adapter says what goes wrong there
    answer = ping(endpoint.url, endpoint.tls)
    if answer == engine:
        return
    what = f"a {answer} answers" if answer else f"no {engine} answers"
    remedy = "start it, name another one, or ask for one of the lab's own with --private"
    if endpoint.origin != "named":
        remedy = f"start it, fix or unset {endpoint.origin}, or use --private"
    raise EngineUnavailable(f"{what} at {endpoint.url} ({endpoint.origin})", remedy=remedy)


def _url(text: str, where: str) -> str:
    text = f"unix://{text}" if text.startswith("/") else text
    parts = urlsplit(text.removeprefix("http+"))
    if parts.scheme not in SCHEMES or not (parts.netloc or parts.path):
        raise InputError(
            f"{where}: {text!r} is no engine's address",
            remedy="write unix:///path, tcp://host:port or ssh://user@host",
        )
    return text.removeprefix("http+")


def _tls(environ: Mapping[str, str]) -> Tls | None:
    """As docker's clients read it: TLS is on where either variable is set."""
    verify = environ.get("DOCKER_TLS_VERIFY", "")
    folder = environ.get("DOCKER_CERT_PATH", "")
    if not verify and not folder:
        return None
    place = Path(folder) if folder else Path(environ.get("HOME") or Path.home()) / ".docker"
    return _certificates(place, verify=bool(verify))


def _certificates(folder: Path, *, verify: bool) -> Tls:
    ca, cert, key = (_file(folder / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return Tls(ca=ca, cert=cert, key=key, verify=verify)


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _context(environ: Mapping[str, str]) -> Endpoint | None:
    """The active docker context, unless it is the default one.

    Its files are as the docker command writes them: a folder named by the SHA-256 of its name.
    """
    home = Path(environ.get("HOME") or Path.home())
    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    name = environ.get("DOCKER_CONTEXT") or _current(folder / "config.json")
    if not name or name == "default":
        return None
    origin = f"docker context {name}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        text = (folder / "contexts/meta" / digest / "meta.json").read_text(encoding="utf-8")
        docker = json.loads(text)["Endpoints"]["docker"]
        url = _url(docker["Host"], origin)
        verify = not docker.get("SkipTLSVerify", False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(
            f"the docker context {name!r} cannot be read",
            remedy="docker context ls shows those that exist; docker context use default",
        ) from error
    tls = _certificates(folder / "contexts/tls" / digest / "docker", verify=verify)
    return Endpoint(url=url, origin=origin, tls=tls if tls.ca or tls.cert else None)


def _current(config: Path) -> str | None:
    try:
        name = json.loads(config.read_text(encoding="utf-8")).get("currentContext")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket, for which the standard library has no class of its own."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(url: str, tls: Tls | None, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _Unix(parts.path, timeout_s)
    name, port = parts.hostname or "localhost", parts.port or (2376 if tls else 2375)
    if tls is None and parts.scheme != "https":
        return http.client.HTTPConnection(name, port, timeout=timeout_s)
    context = ssl.create_default_context(cafile=str(tls.ca) if tls and tls.ca else None)
    if tls is not None and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls is not None and tls.cert and tls.key:
        context.load_cert_chain(tls.cert, tls.key)
    return http.client.HTTPSConnection(name, port, timeout=timeout_s, context=context)
