"""Control groups in folders that look like a kernel's."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lab.host import cgroups
from lab.host.usage import of_processes, read


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller in ("cpu", "cpuacct", "cpuset", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").write_text("1\n")
    (tmp_path / "unified").mkdir()
    for file in ("cgroup.procs", "cgroup.controllers"):
        (tmp_path / "unified" / file).write_text("")
    for file, text in {"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"}.items():
        (tmp_path / "cpuset" / file).write_text(text)
        (tmp_path / "cpuset" / "lab-x").mkdir(exist_ok=True)
        (tmp_path / "cpuset" / "lab-x" / file).write_text("\n")
    return tmp_path


def test_a_group_of_v1_is_in_every_hierarchy_that_is_there(v1: Path) -> None:
    group = cgroups.make("lab-x", v1)
    assert group is not None
    assert set(group.folders) == {"cpu", "cpuacct", "cpuset", "memory", cgroups.V2}
    assert (v1 / "cpuset/lab-x/cpuset.cpus").read_text() == "0-1\n"
    assert v1 / "memory/lab-x/cgroup.procs" in group.entrances


def test_numbers_of_v1(v1: Path) -> None:
    group = cgroups.make("lab-x", v1)
    assert group is not None
    assert group.cpu_s is None
    assert group.memory_bytes is None
    (v1 / "cpuacct/lab-x/cpuacct.usage").write_text("2500000000\n")
    (v1 / "cpu/lab-x/cpu.stat").write_text("nr_periods 3\nthrottled_time 1500000000\n")
    (v1 / "memory/lab-x/memory.stat").write_text("rss 1\ntotal_rss 4096\ntotal_shmem 8192\n")
    assert group.cpu_s == 2.5
    assert group.throttled_s == 1.5
    assert group.memory_bytes == 12288


def test_a_group_of_v2_keeps_its_processes_in_leaves(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    group = cgroups.make("lab-x", tmp_path)
    assert group is not None
    assert group.entrances == (tmp_path / "lab-x/daemon/cgroup.procs",)
    (tmp_path / "lab-x/cpu.stat").write_text("usage_usec 1500000\nthrottled_usec 20000\n")
    (tmp_path / "lab-x/memory.stat").write_text("anon 1000\nfile 99999\nshmem 24\n")
    assert group.cpu_s == 1.5
    assert group.throttled_s == 0.02
    assert group.memory_bytes == 1024


def test_a_host_without_groups_has_none(tmp_path: Path) -> None:
    assert cgroups.make("lab-x", tmp_path / "absent") is None


def test_a_group_goes_with_those_below_it(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    for place in ("lab-x/steps/one", "lab-x/daemon", "lab-y"):
        (tmp_path / place).mkdir(parents=True)
    assert cgroups.remove("lab-x", tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["lab-y"]
    assert cgroups.remove("lab-x", tmp_path)


def test_processes_are_counted_with_their_children_and_nobody_else(tmp_path: Path) -> None:
    for pid, parent, ticks in ((10, 1, 100), (11, 10, 50), (12, 11, 25), (99, 1, 9999)):
        fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0", "0", *["0"] * 6, "7", "0"]
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) b (c) {' '.join(fields)}\n")
    usage = of_processes(10, tmp_path)
    assert usage is not None
    assert usage.cpu_s == 1.75
    assert of_processes(13, tmp_path) is None


def test_where_the_group_is_silent_its_processes_speak(v1: Path) -> None:
    usage = read(cgroups.make("lab-x", v1), 1)
    assert usage is not None
    assert usage.source == "processes"


def test_groups_that_go_away_meanwhile_are_passed_over(tmp_path: Path) -> None:
    top, ended = tmp_path / "cpu/lab", threading.Event()

    def steps() -> None:
        while not ended.is_set():
            (top / "step/below").mkdir(parents=True)
            (top / "step/below").rmdir()
            (top / "step").rmdir()

    worker = threading.Thread(target=steps)
    worker.start()
    try:
        most = max(len(list(cgroups.found("lab", tmp_path))) for _ in range(500))
    finally:
        ended.set()
        worker.join()
    assert most > 1, "it was walked while there was something"
