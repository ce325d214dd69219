"""Controls on this very machine: applied, read back, put back, also after a kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.engines import open_engine
from lab.host import cgroups, facts, paths
from lab.host.controls import page_cache_files
from lab.host.controls.active import hold, storage
from lab.host.controls.journal import sweep
from lab.host.controls.types import Controls
from lab.host.process import found
from tests.factories import quiet

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(os.geteuid() != 0, reason="controls need root"),
]

SIZE = 8_000_000
WAS, ASKED = 512 * 2**20, 256 * 2**20

# A lab that holds controls until it is killed: on a group and a storage folder of the test's own.
OWNER = """
import sys, time
from pathlib import Path
from lab.host import cgroups
from lab.host.controls.active import hold
from lab.host.controls.types import Controls
group = cgroups.make(sys.argv[1])
asked = Controls(memory=int(sys.argv[2]), cpus="0", page_cache={"*": "dropped"},
                 memory_pressure=60_000_000)
with hold(asked, {"podman": group}, say=lambda line: None) as held:
    held.prepare_page_cache("cold", "podman")
    for one in held.outcomes:
        print(one.name, one.state, one.reason, file=sys.stderr)
    print(*sorted({one.name for one in held.outcomes if one.state == "applied"}), flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def group(cache: Path) -> Iterator[cgroups.Group]:
    """A group as a private engine's, with a storage folder and a base that was read just now."""
    name = f"podman-test{os.getpid()}"
    storage = paths.state_dir() / name / "data"
    storage.mkdir(parents=True)
    for place in (storage / "layer", paths.cache_dir() / "base.tar"):
        place.write_bytes(os.urandom(SIZE))
    made = cgroups.make(f"lab-{name}")
    assert made is not None
    yield made
    assert cgroups.remove(made.name)


def limit(group: cgroups.Group) -> Path:
    v1, v2 = group.folders.get("memory"), group.folders.get(cgroups.V2)
    place = v1 / "memory.limit_in_bytes" if v1 is not None else None
    return place or (v2 or Path()) / "memory.max"


def test_a_kill_leaves_nothing_that_the_next_start_does_not_put_back(
    group: cgroups.Group, cache: Path
) -> None:
    base = cache / "base.tar"
    limit(group).write_text(str(WAS))
    cpus = (group.folders["cpuset"] / "cpuset.cpus") if "cpuset" in group.folders else None
    all_cpus = cpus.read_text() if cpus is not None else ""
    assert share(base) == 1.0
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, group.name, str(ASKED)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        applied = owner.stdout.readline().split()
        assert {"memory", "cpus", "memory-pressure", "page-cache"} <= set(applied)
        assert int(limit(group).read_text()) == ASKED
        assert share(base) == 0.0
        pressing = [pid for pid in _named("stress-ng") if _descends(pid, owner.pid)]
        assert pressing
        assert sweep(paths.controls_dir(), quiet) == 0  # its owner is alive
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert _soon(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pressing))
    assert int(limit(group).read_text()) == ASKED  # nobody has put it back yet
    said: list[str] = []
    with hold(Controls(), {}, say=said.append):  # the next start, whatever it asks for
        assert int(limit(group).read_text()) == WAS
        assert cpus is None or cpus.read_text() == all_cpus
        assert share(base) == 1.0
    assert said == ["putting back what a killed lab changed on this machine"]
    assert list(paths.controls_dir().iterdir()) == []


def test_values_hold_while_held_and_are_put_back_in_order(group: cgroups.Group) -> None:
    limit(group).write_text(str(WAS))
    own_cpus = os.sched_getaffinity(0)
    asked = Controls(memory=ASKED, cpus="0", disk_read=5_000_000, disk_write=4_000_000)
    device_files = list(
        group.folders.get("blkio", Path("/none")).glob("blkio.throttle.*bps_device")
    )
    before = [file.read_text() for file in device_files]
    with hold(asked, {"podman": group}, say=quiet) as held:
        told = {one.name: one for one in held.outcomes}
        exclusive = told.pop("cpus-exclusive")
        if "cpuset" in group.folders:  # v1 keeps nobody off, and is not said to
            assert exclusive.state == "unavailable"
            assert "may still use them" in (exclusive.reason or "")
        assert {one.state for one in told.values()} == {"applied"}, told
        assert told["memory"].held == str(ASKED)
        assert told["memory"].was == str(WAS)
        if own_cpus > {0}:
            assert os.sched_getaffinity(0) == own_cpus - {0}
        if device_files:
            assert [file.read_text() for file in device_files] != before
    assert int(limit(group).read_text()) == WAS
    assert [file.read_text() for file in device_files] == before
    assert os.sched_getaffinity(0) == own_cpus


def test_a_value_that_somebody_else_has_set_since_stays_theirs(group: cgroups.Group) -> None:
    limit(group).write_text(str(WAS))
    with hold(Controls(memory=ASKED), {"podman": group}, say=quiet):
        limit(group).write_text(str(2 * WAS))
    assert int(limit(group).read_text()) == 2 * WAS


def test_what_the_host_lacks_is_unavailable_with_the_reason_and_the_run_goes_on() -> None:
    asked = Controls(frequency="performance", turbo="off", memory=ASKED, memory_pressure=2**62)
    with hold(asked, {"docker": None}, say=quiet) as held:
        told = {one.name: one for one in held.outcomes}
    assert told["memory"].reason == "the engine is not private to the lab: --private"
    assert "free" in (told["memory-pressure"].reason or "")
    policies = list(Path("/sys/devices/system/cpu/cpufreq").glob("policy*"))
    if not policies:
        assert told["frequency"].state == "unavailable"
        assert "cpufreq" in (told["frequency"].reason or "")


def test_a_limit_on_reading_slows_an_engine_s_reading_down() -> None:
    """Read past the page cache, in the engine's own group: at 20 MB/s, 20 MB take a second."""
    assert facts.cgroup(facts.CGROUPS) is not None
    with closing(open_engine("podman", private=True)) as engine:
        usage = engine.usage()
        assert usage is not None
        assert usage.group is not None
        folder = storage(usage.group)
        file = folder / "data" / "big"
        file.write_bytes(os.urandom(20_000_000))
        os.sync()
        free = _read(file, usage.group)
        with hold(Controls(disk_read=20_000_000), {"podman": usage.group}, say=quiet) as held:
            assert [one.state for one in held.outcomes] == ["applied"]
            slow = _read(file, usage.group)
        assert slow > 0.8
        assert slow > 2 * free


def test_the_page_cache_is_warmed_for_an_engine(group: cgroups.Group, cache: Path) -> None:
    layer = paths.state_dir() / group.name.removeprefix("lab-") / "data" / "layer"
    with hold(
        Controls(page_cache={"cold": "dropped", "*": "warmed"}), {"x": group}, say=quiet
    ) as h:
        assert h.prepare_page_cache("cold", "x") == "dropped"
        assert share(layer) == 0.0
        assert h.prepare_page_cache("rebuild", "x") == "warmed"
        assert share(layer) == 1.0
    assert share(cache / "base.tar") == 1.0


def share(file: Path) -> float | None:
    assert found("fincore") is not None
    return page_cache_files.resident_share([file])


def _read(file: Path, group: cgroups.Group) -> float:
    enter = "; ".join(f"echo 0 >{entrance}" for entrance in group.entrances)
    start = time.monotonic()
    subprocess.run(
        ["sh", "-c", f"{enter}; exec dd if={file} of=/dev/null bs=1M iflag=direct"],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - start


def _named(program: str) -> list[int]:
    done = subprocess.run(["pgrep", "-x", program], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return pid == ancestor


def _soon(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()
