"""Bad days on real engines: each ends with its code, its cause, whole records and nothing left."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.engines.private import start_docker
from tests.e2e.conftest import ROOT, Desk

pytestmark = pytest.mark.usefixtures("bookworm")
SLOW = "RUN echo one; sleep 0.5\nRUN echo two; sleep 30\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[str]:
    """A Docker that is the user's own, as far as the lab can tell."""
    with start_docker(print) as private:
        yield private.endpoint


def test_a_build_that_fails_can_be_repeated_by_hand(desk: Desk, daemon: str) -> None:
    expectation = {"after": "rebuild", "hit_rate": {"at_least": 1}}
    desk.scenario("RUN echo first\nRUN echo the cause >&2; exit 7", expect=[expectation])
    ended = desk.lab("run", "tried.yaml", DOCKER_HOST=daemon)
    assert ended.code == 6
    assert "exit code: 7" in ended.err
    cold, rebuild = desk.builds()
    assert (cold["status"], rebuild["status"]) == ("failed", "skipped")
    assert "the cause" in cold["log_tail"]
    (folder,) = desk.folder.glob("results/*")
    assert (folder / "contexts" / f"{cold['id']}.tar").is_file()
    # The command at the end of the message, as it stands there.
    _, _, command = ended.err.strip().splitlines()[-1].partition(": in ")
    assert cold["replay"] in command
    again = subprocess.run(
        ["sh", "-c", cold["replay"]],
        cwd=folder,
        # The distribution's client, which brings BuildKit with it, before any other.
        env=desk.environment
        | {"DOCKER_HOST": daemon, "PATH": f"/usr/bin:{desk.environment['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode != 0
    assert "exit code: 7" in again.stdout + again.stderr


def test_a_base_that_nobody_has_is_told_with_a_way_out(desk: Desk, daemon: str) -> None:
    desk.scenario("RUN true", bases=["localhost:1/no/such:image"])
    ended = desk.lab("run", "tried.yaml", DOCKER_HOST=daemon)
    assert ended.code == 6
    assert "localhost:1/no/such:image cannot be had" in ended.err
    assert "A base can also be a suite or an archive" in ended.err


@pytest.mark.parametrize(("engine", "program"), [("docker", "dockerd"), ("podman", "podman")])
def test_a_run_goes_on_after_its_daemon_died(desk: Desk, engine: str, program: str) -> None:
    desk.scenario("RUN echo one; sleep 3", engine)
    with desk.start("run", "tried.yaml") as process:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/events/*")))
        killed = [pid for pid in desk.daemons() if _program(pid) == program]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert killed
    assert process.returncode == 8, err
    assert [build["status"] for build in desk.builds()] == ["engine-lost"]
    assert desk.head()["status"] == "partial"
    assert not desk.left()
    _resumes(desk, err)


@pytest.mark.parametrize(("by", "times"), [(signal.SIGINT, 4), (signal.SIGTERM, 1)])
def test_a_run_stops_in_order_however_often_it_is_told(
    desk: Desk, by: signal.Signals, times: int
) -> None:
    desk.scenario(SLOW)
    ended = desk.interrupted("run", "tried.yaml", by=by, times=times)
    assert ended.code == 130
    assert "what was built so far is in results/" in ended.err
    assert desk.head()["status"] == "partial"
    assert desk.builds() == []
    assert not desk.left()


def test_an_interrupted_run_goes_on(desk: Desk) -> None:
    desk.scenario("RUN sleep 2", "podman", rounds=2)
    ended = desk.interrupted("run", "tried.yaml", by=signal.SIGINT)
    assert ended.code == 130
    _resumes(desk, ended.err)
    assert len(desk.builds()) == 4


def test_the_next_start_clears_what_a_killed_lab_left(desk: Desk) -> None:
    desk.scenario(SLOW)
    ended = desk.interrupted("run", "tried.yaml", by=signal.SIGKILL)
    assert ended.code == -signal.SIGKILL
    desk.wait_for(lambda: not desk.daemons(), 20)
    desk.scenario("RUN true")
    again = desk.lab("run", "tried.yaml", "--quiet")
    assert again.code == 0, again.err
    assert "clearing what a killed lab left" in again.out
    assert not desk.left()


def test_a_full_disk_leaves_whole_records(desk: Desk, tmp_path: Path, daemon: str) -> None:
    """Raw streams fill a small disk in a later round; BuildKit would cut such a log short."""
    noise = "RUN head -c 900000 /dev/urandom | base64 -w 1000"
    desk.scenario(noise, "docker-classic", rounds=4)
    with _disk(tmp_path, megabytes=2) as disk:
        ended = desk.lab(
            "run", "tried.yaml", "--results", str(disk / "results"), DOCKER_HOST=daemon
        )
        assert ended.code == 10, ended.err
        assert "no space left" in ended.err
        assert "lab run --resume" in ended.err
        (lines,) = disk.glob("results/*/builds.jsonl")
        stored = lines.read_bytes()
        assert stored.count(b'"status": "ok"') == stored.count(b"\n") >= 1
        assert stored.endswith(b"\n")
        report = desk.lab("report", "latest", "--results", str(disk / "results"))
        assert report.code in {0, 10}, report.err


def test_an_engine_whose_disk_is_full_says_so(desk: Desk, tmp_path: Path) -> None:
    desk.scenario("RUN true")
    with _disk(tmp_path, megabytes=60) as disk:
        (disk / "bases").symlink_to(desk.cache / "bases")
        ended = desk.lab("run", "tried.yaml", LAB_CACHE=str(disk))
        assert ended.code == 10, ended.err
        assert not list((disk / "engines").iterdir())


def test_a_project_of_ones_own_on_every_engine(desk: Desk, daemon: str) -> None:
    path = str(ROOT / "scenarios" / "own-dockerfile.yaml")
    engines = [f"--engine={name}" for name in ("docker", "docker-classic", "podman")]
    ended = desk.lab("run", path, *engines, "--rounds", "1", DOCKER_HOST=daemon)
    assert ended.code == 0, ended.err
    assert {build["status"] for build in desk.builds()} == {"ok"}
    assert not desk.left()


def _resumes(desk: Desk, told: str) -> None:
    """Take the next step that the lab told; it ends with the run complete and nothing left."""
    found = re.search(r"lab (run --resume .*)$", told, re.MULTILINE)
    assert found is not None, told
    ended = desk.lab(*shlex.split(found[1]))
    assert ended.code == 0, ended.err
    assert desk.head()["status"] == "complete"
    last = {build["id"]: build["status"] for build in desk.builds()}
    assert set(last.values()) == {"ok"}
    assert not desk.left()


def _program(pid: int) -> str:
    """The name of a process's program; empty where it ended since it was listed."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return words[0].decode().rpartition("/")[2]


@contextmanager
def _disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A small disk; a tmpfs refuses as any other does, and an engine can work on it."""
    place = folder / "disk"
    place.mkdir()
    kind = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs"]
    subprocess.run(["mount", *kind, str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
