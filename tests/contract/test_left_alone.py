"""A user's engine, full of things, is listed the same after the lab was there, however it ended.

The engine's own client lists it, and what the user has was made by that client.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.engines import private
from lab.engines.roots import programs
from lab.model import engine_name
from tests.contract.conftest import Bench
from tests.e2e.conftest import Desk, desk_in
from tests.factories import quiet

PROGRAM = "#include <unistd.h>\nint main(void) { return 0; }\n"
OWN = 'FROM localhost/mine/base:1\nCOPY x /x\nRUN --mount=type=cache,target=/c ["/p"]\nLABEL a=1\n'
STEPS = "COPY a.txt /a\nRUN echo one > /1\n"
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
IMAGES = "{{.ID}} {{.Repository}}:{{.Tag}} {{.Digest}} {{.CreatedAt}} {{.Size}}"
CONTAINERS = "{{.ID}} {{.Names}} {{.Image}} {{.State}} {{.Mounts}} {{.Labels}}"
# Not how often a record was used: BuildKit counts the user's own uses a little late.
CACHE = "{{range .BuildCache}}{{.ID}} {{.CacheType}} {{.Size}}\n{{end}}"


@dataclass(frozen=True, slots=True)
class User:
    """An engine that its user has worked with."""

    name: str
    endpoint: str

    def client(self, *words: str | Path) -> str:
        podman = engine_name.family(self.name) == "podman"
        # The distribution's client of Docker brings BuildKit with it.
        path = f"/usr/bin:{os.environ['PATH']}"
        return subprocess.run(
            [*(("podman", "--url") if podman else ("docker", "--host")), self.endpoint, *words],
            env=os.environ | {"DOCKER_BUILDKIT": "1", "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def fill(self, folder: Path) -> None:
        (folder / "p.c").write_text(PROGRAM)
        subprocess.run(["gcc", "-static", "-o", folder / "p", folder / "p.c"], check=True)
        with tarfile.open(folder / "p.tar", "w") as tar:
            tar.add(folder / "p", "p")
        self.client("import", folder / "p.tar", "localhost/mine/base:1")
        (folder / "x").write_text("x")
        (folder / "Dockerfile").write_text(OWN)
        for tag in ("localhost/mine/built:1", "localhost/mine/built:2"):
            self.client("build", "--tag", tag, folder)
        self.client("volume", "create", "mine")
        mount = ("--volume", "mine:/v")
        self.client("create", "--name", "made", *mount, *LIMITS, "localhost/mine/built:1", "/p")

    def listed(self) -> dict[str, list[str]]:
        every = ("--all", "--no-trunc", "--format")
        podman = engine_name.family(self.name) == "podman"
        external = ("--external",) if podman else ()
        found = {
            "images": self.client("images", "--digests", *every, IMAGES),
            "containers": self.client("ps", *external, *every, CONTAINERS),
            "volumes": self.client("volume", "ls", "--format", "{{.Name}} {{.Driver}}"),
            "networks": self.client("network", "ls", "--format", "{{.ID}} {{.Name}}"),
        }
        if not podman:
            found["cache"] = self.client("system", "df", "--verbose", "--format", CACHE)
        return {kind: sorted(text.splitlines()) for kind, text in found.items()}


@pytest.fixture
def user(real_bench: Bench, tmp_path: Path) -> Iterator[User]:
    asked = engine_name.parse(real_bench.engine.name)
    found = programs(asked, quiet)
    daemon = (
        private.start_podman(quiet, found)
        if asked.program == "podman"
        else private.start_docker(quiet, found, asked.store)
    )
    with daemon:
        made = User(real_bench.engine.name, daemon.endpoint)
        (tmp_path / "own").mkdir()
        made.fill(tmp_path / "own")
        yield made


def running(seconds: str) -> bool:
    """Whether a `sleep` of just this long runs, in whatever container."""
    words = b"sleep\0" + seconds.encode() + b"\0"
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes() == words:
                return True
        except OSError:
            continue
    return False


def soon(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stopped(desk: Desk, user: User, by: signal.Signals) -> int:
    """Run the lab, and stop it in the midst of a RUN; its exit code."""
    seconds = f"2.{secrets.randbelow(10**9):09}"
    desk.scenario(f"{STEPS}RUN sleep {seconds}; echo two > /2\nCOPY a.txt /b\n", user.name)
    with desk.start("run", "tried.yaml", f"--engine={user.name}={user.endpoint}") as process:
        soon(lambda: running(seconds))
        os.killpg(process.pid, by)
        process.communicate(timeout=60)
    soon(lambda: not running(seconds))
    return process.returncode


@pytest.mark.timeout(600)  # five runs
def test_a_users_engine_is_left_as_it_was(user: User, tmp_path: Path) -> None:
    desk = desk_in(tmp_path)
    desk.write("own/a.txt", "a")
    engine = f"--engine={user.name}={user.endpoint}"
    before = user.listed()
    assert all(before.values())

    desk.scenario(STEPS, user.name)
    assert desk.lab("run", "tried.yaml", engine).code == 0
    assert user.listed() == before

    desk.scenario(f"{STEPS}RUN exit 7\n", user.name)
    assert desk.lab("run", "tried.yaml", engine).code == 6
    assert user.listed() == before

    assert stopped(desk, user, signal.SIGINT) == 130
    assert user.listed() == before

    assert stopped(desk, user, signal.SIGKILL) == -signal.SIGKILL
    assert user.listed() != before
    desk.scenario("RUN true\n", user.name)
    again = desk.lab("run", "tried.yaml", engine)
    assert again.code == 0, again.err
    assert "clearing what a killed lab left" in again.out + again.err
    assert user.listed() == before
    assert not list((desk.cache / "ledgers").iterdir())
