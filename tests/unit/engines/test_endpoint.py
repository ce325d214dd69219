"""Which endpoint an engine is taken at, against real small servers on real sockets."""

from __future__ import annotations

import hashlib
import json
import os
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lab.engines import endpoint
from lab.engines.endpoint import ping, resolve
from lab.model.errors import EngineUnavailable, InputError


@contextmanager
def answering(path: Path, *, podman: bool = False) -> Iterator[str]:
    """A server on a Unix socket that answers /_ping as an engine does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"Version": "1.2"}'
            self.send_response(200)
            if podman:
                self.send_header("Libpod-API-Version", "4.3.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "unix"

    path.parent.mkdir(parents=True, exist_ok=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: a socket's path may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="lab-test-") as name:
        yield Path(name)


@pytest.fixture
def environ(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A user's environment in which no engine of this host is found."""

    def sockets(engine: str, environ: dict[str, str]) -> tuple[Path, ...]:
        return (Path(environ["XDG_RUNTIME_DIR"]) / f"{engine}.sock",)

    monkeypatch.setattr(endpoint, "usual_sockets", sockets)
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}


def write_context(home: Path, name: str, host: str) -> None:
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))


def test_nothing_answers_calls_for_a_private_engine(environ: dict[str, str]) -> None:
    assert resolve("docker", None, environ) is None
    assert resolve("podman", None, environ) is None


def test_the_order_is_named_then_variable_then_context_then_socket(
    home: Path, environ: dict[str, str]
) -> None:
    with (
        answering(home / "run/docker.sock") as usual,
        answering(home / "context.sock") as context,
        answering(home / "variable.sock") as variable,
        answering(home / "named.sock") as named,
    ):
        assert _url("docker", None, environ) == usual
        write_context(home, "mine", context)
        assert _url("docker", None, environ) == context
        environ["DOCKER_HOST"] = variable
        assert _url("docker", None, environ) == variable
        assert _url("docker", named, environ) == named


def test_podman_takes_docker_host_only_where_a_podman_answers(
    home: Path, environ: dict[str, str]
) -> None:
    with (
        answering(home / "docker.sock") as docker,
        answering(home / "podman.sock", podman=True) as podman,
    ):
        assert resolve("podman", None, environ | {"DOCKER_HOST": docker}) is None
        assert _url("podman", None, environ | {"DOCKER_HOST": podman}) == podman
        both = environ | {"DOCKER_HOST": docker, "CONTAINER_HOST": podman}
        assert _url("podman", None, both) == podman


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "named", "context"])
def test_what_the_user_named_and_does_not_answer_is_an_error(
    variable: str, home: Path, environ: dict[str, str]
) -> None:
    dead = f"unix://{home}/dead.sock"
    if variable == "context":
        write_context(home, "mine", dead)
    elif variable == "DOCKER_HOST":
        environ["DOCKER_HOST"] = dead
    with pytest.raises(EngineUnavailable, match=r"no docker answers at .*dead") as caught:
        resolve("docker", dead if variable == "named" else None, environ)
    assert "--private" in str(caught.value.remedy)


def test_a_podman_behind_dockers_socket_is_no_docker(home: Path, environ: dict[str, str]) -> None:
    with answering(home / "run/docker.sock", podman=True) as url:
        assert resolve("docker", None, environ) is None
        with pytest.raises(EngineUnavailable, match="a podman answers"):
            resolve("docker", url, environ)


def test_a_context_that_is_gone_is_an_error(home: Path, environ: dict[str, str]) -> None:
    environ["DOCKER_CONTEXT"] = "gone"
    with pytest.raises(EngineUnavailable, match="'gone' cannot be read"):
        resolve("docker", None, environ)


@pytest.mark.parametrize("text", ["ftp://x", "unix:", "nonsense", "tcp://"])
def test_an_address_that_is_none_is_bad_input(text: str, environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match="no engine's address"):
        resolve("docker", text, environ)


def test_ssh_is_left_to_the_sdk_and_tls_is_read_from_the_environment(
    home: Path, environ: dict[str, str]
) -> None:
    found = resolve("docker", "ssh://me@there", environ)
    assert found is not None
    assert found.tls is None
    (home / "ca.pem").write_text("")
    environ |= {"DOCKER_CERT_PATH": str(home), "DOCKER_TLS_VERIFY": "1"}
    found = resolve("docker", "ssh://me@there", environ)
    assert found is not None
    assert found.tls == endpoint.Tls(ca=home / "ca.pem", cert=None, key=None, verify=True)


def test_ping_meets_what_is_no_engine(home: Path) -> None:
    assert ping(f"unix://{home}/none.sock") is None
    assert ping("tcp://127.0.0.1:1", timeout_s=0.5) is None


def test_ask_reads_an_answer(home: Path) -> None:
    with answering(home / "a.sock") as url:
        assert endpoint.ask(url, "/version") == {"Version": "1.2"}
    assert endpoint.ask(url, "/version") == {}


def test_the_usual_sockets_follow_the_user() -> None:
    found = endpoint.usual_sockets("docker", {"HOME": "/h", "XDG_RUNTIME_DIR": "/r"})
    assert Path("/var/run/docker.sock") == found[0]
    assert Path("/r/docker.sock") in found
    assert Path(f"/run/user/{os.getuid()}/podman/podman.sock") in endpoint.usual_sockets(
        "podman", {"HOME": "/h"}
    )


def _url(engine: str, named: str | None, environ: dict[str, str]) -> str:
    found = resolve(engine, named, environ)
    assert found is not None
    return found.url
