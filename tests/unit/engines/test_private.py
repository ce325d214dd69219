"""What private engines leave, found and cleared; their settings. No daemon is started here."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab.engines import confined, leftovers, open_engine
from lab.host import process
from lab.host.process import found, pasteable, run
from lab.model.errors import InputError, LabError, MissingPrerequisite
from tests.factories import quiet


def folder_of(state: Path, owner: str) -> Path:
    folder = state / "docker-test"
    folder.mkdir(parents=True)
    (folder / leftovers.OWNER).write_text(owner)
    return folder


def test_a_folder_whose_lab_is_alive_stays(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "state", "{}")
    with (folder / leftovers.OWNER).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert leftovers.sweep(tmp_path / "state", tmp_path, quiet) == 0
    assert folder.exists()


def test_a_dead_labs_folder_and_daemon_are_cleared(tmp_path: Path) -> None:
    daemon = subprocess.Popen(["sleep", "60"], start_new_session=True)
    start = process.process_start(daemon.pid)
    owner = {"daemon": {"pid": daemon.pid, "started": start}}
    folder = folder_of(tmp_path / "state", json.dumps(owner))
    sockets = tmp_path / "run" / folder.name
    sockets.mkdir(parents=True)
    assert leftovers.sweep(tmp_path / "state", tmp_path / "run", quiet) == 1
    assert daemon.wait(5) == -9
    assert not folder.exists()
    assert not sockets.exists()


def test_a_process_that_only_has_the_number_of_the_daemon_is_spared(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    owner = {"daemon": {"pid": other.pid, "started": "another boot/1"}}
    folder_of(tmp_path / "state", json.dumps(owner))
    assert leftovers.sweep(tmp_path / "state", tmp_path, quiet) == 1
    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.mark.parametrize("owner", ["torn {", "[]", '{"daemon": {}}', '{"daemon": null}'])
def test_an_owner_file_that_cannot_be_read_is_no_obstacle(owner: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "state", owner)
    assert leftovers.sweep(tmp_path / "state", tmp_path, quiet) == 1
    assert not folder.exists()


@pytest.mark.parametrize("begun", [True, False])
def test_a_folder_that_another_lab_is_just_making_stays(tmp_path: Path, begun: bool) -> None:
    folder = folder_of(tmp_path / "state", "")
    if not begun:
        (folder / leftovers.OWNER).unlink()
    making = os.open(folder, os.O_RDONLY)
    fcntl.flock(making, fcntl.LOCK_EX)
    assert leftovers.sweep(tmp_path / "state", tmp_path, quiet) == 0
    os.close(making)  # as the kernel does for a lab that is killed there
    assert leftovers.sweep(tmp_path / "state", tmp_path, quiet) == 1
    assert not folder.exists()


def test_a_folder_that_is_cleared_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, cleared = leftovers.tempfile.mkdtemp, []

    def swept(**words: Any) -> str:
        made = plain(**words)
        if not cleared:
            cleared.append(made)
            assert leftovers.sweep(tmp_path, tmp_path, quiet) == 1
        return made

    monkeypatch.setattr(leftovers.tempfile, "mkdtemp", swept)
    folder, owner = leftovers.make(tmp_path, "docker")
    with owner:
        assert cleared != [str(folder)]
        assert folder.is_dir()
        assert leftovers.sweep(tmp_path, tmp_path, quiet) == 0


def test_the_start_of_a_process_tells_it_from_a_later_one() -> None:
    mine = process.process_start(os.getpid())
    assert mine is not None
    assert mine == process.process_start(os.getpid())
    done = subprocess.Popen(["true"])
    done.wait()
    assert process.process_start(done.pid) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_the_lifeline_ends_a_confined_process_and_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    marker = str(tmp_path / "marker")
    script = f"sh -c 'trap \"\" TERM; : {marker}; sleep 60' & echo up; wait"
    daemon = confined.start(["sh", "-c", script], log=log, environment={}, network=None)
    deadline = time.monotonic() + 5
    while "up" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _running(marker)
    daemon.stop()
    assert daemon.ended
    assert not _running(marker)


@pytest.mark.slow
def test_a_failed_command_is_shown_to_paste() -> None:
    with pytest.raises(LabError, match=r"exit code 3 of: A=1 sh -c 'echo why >&2; exit 3'\nwhy"):
        run(["sh", "-c", "echo why >&2; exit 3"], environment={"A": "1"})
    with pytest.raises(LabError, match=r"no end after 0.1 s of: sleep 5"):
        run(["sleep", "5"], timeout_s=0.1)
    with pytest.raises(MissingPrerequisite, match="no-such-program"):
        run(["no-such-program"])
    assert run(["sh", "-c", "exit 3"], codes=(0, 3)).code == 3
    assert pasteable(["a b", Path("c")], folder=Path("/x y")) == "cd '/x y' && 'a b' c"
    assert found("sh") is not None
    assert found("no-such-program") is None


def test_an_engine_that_cannot_be_is_bad_input() -> None:
    with pytest.raises(InputError, match="no engine is named 'dokcer'"):
        open_engine("dokcer")
    with pytest.raises(InputError, match="--private"):
        open_engine("docker", "unix:///x", private=True)
    with pytest.raises(InputError, match="it has no daemon"):
        open_engine("simulated", "unix:///x")


def _running(marker: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(marker.encode() in word for word in words) and b"sh" in words[0]:
            return True
    return False
