"""Private engines for real: side by side, confined, and gone afterwards however the lab ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.engine_starts import left
from lab.engines import private
from lab.engines.endpoint import ask, ping
from lab.engines.private import Private, start_docker, start_podman
from lab.engines.roots import programs
from lab.host import cgroups, facts, paths, process
from lab.host.process import found
from lab.model import engine_name
from lab.model.errors import EngineUnavailable
from tests.factories import quiet

STARTERS = {"docker": start_docker, "podman": start_podman}
PROGRAMS = {"docker": "dockerd", "podman": "podman"}
NAMES = ("docker", "docker@28", "podman", "podman@5.8")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")

SLEEP = "import time; time.sleep(600)"
OWNER = """
import sys, time
from tests.contract.test_private import start
daemon = start(sys.argv[1])
print(daemon.endpoint, daemon.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; only the roots of other versions are made once for all."""
    roots = paths.cache_dir() / "roots"
    roots.mkdir(exist_ok=True)
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/roots").symlink_to(roots)
    return tmp_path / "cache"


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    program = PROGRAMS[engine_name.family(name)]
    assert found(program) is not None, f"no {program}: lab doctor --install"
    return name


def start(name: str) -> Private:
    asked = engine_name.parse(name)
    return STARTERS[asked.program](quiet, programs(asked, quiet))


def test_a_private_engine_answers_and_leaves_nothing(engine: str, cache: Path) -> None:
    links = _links()
    with start(engine) as daemon:
        assert ping(daemon.endpoint) == engine_name.family(engine)
        assert ask(daemon.endpoint, "/info")["Images"] == 0
        socket = Path(daemon.endpoint.removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o077 == 0
        assert str(daemon.folder).startswith(str(cache))
        assert _links() == links
    assert _nothing_is_left(daemon, socket)
    daemon.close()  # a second time is no error


def test_a_kept_engine_leaves_its_storage_and_nothing_else(engine: str, cache: Path) -> None:
    said: list[str] = []
    daemon = start(engine)
    folder, sockets = daemon.folder, Path(daemon.endpoint.removeprefix("unix://")).parent
    daemon.keep(said.append)
    assert ping(daemon.endpoint) is None
    assert str(folder) in said[0]
    assert (folder / "data").is_dir()
    assert not sockets.exists()
    assert not [m for m in facts.mounts() if m.point.is_relative_to(folder)]
    assert private.sweep(quiet) == 0
    assert folder.is_dir()
    look = ["podman", "--root", folder / "data", "images", "--quiet"]
    if engine == "podman":
        assert subprocess.run(look, check=True, capture_output=True, text=True).stdout == ""


def test_two_of_a_kind_run_side_by_side(engine: str) -> None:
    with start(engine) as one, start(engine) as other:
        assert one.endpoint != other.endpoint
        assert ping(one.endpoint) == ping(other.endpoint) == engine_name.family(engine)


def test_a_lab_killed_with_9_takes_its_engine_along(engine: str, cache: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, engine], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        endpoint, pid = owner.stdout.readline().split()
        assert ping(endpoint) == engine_name.family(engine)
        assert private.sweep(quiet) == 0
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert _soon(lambda: ping(endpoint) is None)
    assert private.sweep(quiet) == 1
    assert list((cache / "engines").iterdir()) == []
    assert not _alive(int(pid))
    assert not Path(endpoint.removeprefix("unix://")).parent.exists()


def test_a_daemon_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    broken = cache / "dockerd"
    broken.write_text("#!/bin/sh\necho the cause >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(process, "found", lambda _: broken)
    with pytest.raises(EngineUnavailable, match="the cause"):
        start_docker(quiet)
    assert list((cache / "engines").iterdir()) == []


def test_what_a_start_would_leave_is_counted() -> None:
    """benchmarks/engine_starts.py counts what hundreds of starts leave: it sees what is planted."""
    name = f"docker-planted{os.getpid()}"
    folder, sockets = paths.state_dir() / name, paths.runtime_dir() / name
    assert left(folder) == []
    with ExitStack() as planted:
        sleeper = planted.enter_context(subprocess.Popen([sys.executable, "-c", SLEEP, name]))
        planted.callback(sleeper.kill)
        for place in (folder, sockets):
            place.mkdir()
            planted.callback(shutil.rmtree, place)
        subprocess.run(["mount", "-t", "tmpfs", "lab", folder], check=True)
        planted.callback(subprocess.run, ["umount", folder], check=True)
        assert cgroups.make(f"lab-{name}") is not None
        planted.callback(cgroups.remove, f"lab-{name}")
        found = left(folder)
        assert {line.partition(" ")[0] for line in found} == {"folder", "process", "mount", "group"}
        assert {f"folder {sockets}", f"process {sleeper.pid}"} <= set(found)
    assert left(folder) == []


def _nothing_is_left(daemon: Private, socket: Path) -> bool:
    mounted = [mount for mount in facts.mounts() if mount.point.is_relative_to(daemon.folder)]
    return not (mounted or daemon.folder.exists() or socket.parent.exists() or _alive(daemon.pid))


def _links() -> set[str]:
    """This host's network devices: a private engine adds none and takes none away."""
    return {path.name for path in Path("/sys/class/net").iterdir()}


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _soon(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()
