"""What experiments mount is given back: at their end, on an error, and after a kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.golang.bench import sandbox
from lab.golang.goroot.home import Home
from lab.model.errors import DiskFull, InputError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: root only")

BUSY = """
import sys, time
from pathlib import Path
from lab.golang.bench import sandbox
from lab.golang.bench import runc_exec
with sandbox.opened(print) as box:
    disk = box.disk("ext4", "disk", size=64 << 20)
    sandbox.fill(Path(sys.argv[1]), disk / "tree")
    box.tmpfs("memory")
    box.bind("again", disk / "tree", read_only=True)
    box.overlay("over", disk / "tree")
    print("ready", flush=True)
    time.sleep(600)
"""


CONTAINED = """
from pathlib import Path
from lab.golang.bench import sandbox
from lab.golang.bench import runc_exec
from lab.host.process import run
with sandbox.opened(print) as box:
    system = [Path(name) for name in ("/usr", "/bin", "/lib", "/lib64") if Path(name).exists()]
    print(box.folder.name, flush=True)
    container = runc_exec.container(box)
    run(container.command(["/bin/sleep", "600"], {}, box.folder, [box.folder, *system]))
"""


@pytest.fixture(autouse=True)
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in each run, so that what tests leave that were killed is found by the next ones."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("sandboxes")
    monkeypatch.setenv("LAB_CACHE", str(folder))
    return folder


def left(cache: Path) -> tuple[list[str], list[str]]:
    """Mounts and loop devices whose paths lie below the cache, as the kernel lists them."""
    mounts = [
        line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(cache) in line
    ]
    loops = [
        path.read_text()
        for path in Path("/sys/block").glob("loop*/loop/backing_file")
        if str(cache) in path.read_text()
    ]
    return mounts, loops


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree/bin").mkdir(parents=True)
    (tmp_path / "tree/bin/go").write_text("go")
    return tmp_path / "tree"


def fails(tree: Path) -> None:
    with sandbox.opened(lambda _: None) as box:
        point = box.disk("ext4", "disk", size=64 << 20)
        sandbox.fill(tree, point / "go")
        box.bind("twice", point)
        assert (box.folder / "twice/go/bin/go").read_text() == "go"
        raise InputError("in the middle")


def test_all_is_given_back_at_the_end_and_on_an_error(cache: Path, tree: Path) -> None:
    with pytest.raises(InputError, match="in the middle"):
        fails(tree)
    assert left(cache) == ([], [])
    assert list((cache / "sandboxes").iterdir()) == []


def test_after_a_kill_the_next_start_gives_all_back(cache: Path, tree: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, tree], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "ready\n"
        mounts, loops = left(cache)
        assert len(mounts) == 4
        assert len(loops) == 1
        with sandbox.opened(lambda _: None):  # an experiment beside it leaves it alone
            assert len(left(cache)[0]) == 4
        busy.send_signal(signal.SIGKILL)
        busy.wait()
    assert len(left(cache)[0]) == 4
    said: list[str] = []
    with sandbox.opened(said.append):
        assert left(cache) == ([], [])
    assert len(said) == 1
    assert list((cache / "sandboxes").iterdir()) == []


def test_a_tree_that_has_no_room_is_refused_beforehand(tree: Path) -> None:
    (tree / "large").write_bytes(b"x" * (3 << 20))
    with sandbox.opened(lambda _: None) as box:
        small = box.tmpfs("small", size="2m")
        with pytest.raises(DiskFull, match="has no room"):
            sandbox.fill(tree, small / "go")
        assert not list((small / "go").iterdir())


def test_a_device_in_use_is_never_made_a_file_system(tmp_path: Path) -> None:
    root = next(
        line.split(" - ")[1].split()[1]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if line.split()[4] == "/"
    )
    for device in (root, str(tmp_path), "/dev/null"):
        with sandbox.opened(lambda _: None) as box, pytest.raises(InputError):
            box.disk("ext4", "disk", device=device)


def test_after_a_kill_the_next_start_ends_what_ran_in_a_container(cache: Path) -> None:
    def groups(name: str) -> list[Path]:
        walk = os.walk("/sys/fs/cgroup")  # a glob fails where an engine's group goes away
        return [Path(at, name) for at, names, _ in walk if name in names]

    def running(name: str) -> set[str]:
        return {pid for one in groups(name) for pid in (one / "cgroup.procs").read_text().split()}

    with subprocess.Popen(
        [sys.executable, "-c", CONTAINED], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as busy:
        assert busy.stdout is not None
        name = busy.stdout.readline().strip()
        deadline = time.monotonic() + 30
        while not running(name) and time.monotonic() < deadline:
            time.sleep(0.05)
        busy.send_signal(signal.SIGKILL)
        busy.wait()
    assert running(name)
    with sandbox.opened(lambda _: None):
        assert groups(name) == []
        assert left(cache)[0] == []


REHEARSAL = """
import sys
from pathlib import Path
from lab.golang.bench import distribute
from lab.golang.goroot.home import Home
distribute.measure(Home(Path(sys.argv[1])), "1.22.10", rounds=1000, say=lambda _: None)
"""


def test_a_killed_rehearsal_leaves_neither_networks_nor_servers(
    cache: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "goroots")
    with home.locked("install"):
        go = home.tree("1.22.10") / "bin/go"
        go.parent.mkdir(parents=True)
        go.write_text("#!/bin/sh\n")
        go.chmod(0o755)
    command = [sys.executable, "-c", REHEARSAL, str(home.root)]
    with subprocess.Popen(command, env=os.environ) as busy:
        assert eventually(lambda: len(networks(cache)) >= 1)
        busy.send_signal(signal.SIGKILL)
    assert eventually(lambda: not networks(cache))
    with sandbox.opened(lambda _: None):
        assert left(cache) == ([], [])
    assert list((cache / "sandboxes").iterdir()) == []


def networks(cache: Path) -> set[str]:
    """The network namespaces of processes that were told of a path below the cache."""
    own = str(Path("/proc/self/ns/net").readlink())
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(cache).encode() in (process / "cmdline").read_bytes():
                found.add(str((process / "ns/net").readlink()))
    return found - {own}


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(400):
        if holds():
            return True
        time.sleep(0.05)
    return False
