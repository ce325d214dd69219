"""Controls on a machine made of files: what is written, read back, told and put back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.host.cgroups import V2, Group
from lab.host.controls import values
from lab.host.controls.active import survey
from lab.host.controls.journal import Journal, put_back, sweep
from lab.host.controls.types import Controls
from lab.host.controls.values import Change, Unavailable
from lab.model.errors import InputError
from lab.scenario.loader import parse

CPUFREQ = "sys/devices/system/cpu/cpufreq"
SCENARIO = """
name: controlled
engines: [simulated]
workload: {{packages: 2, lines: 300, depth: 1}}
bases: [bookworm]
phases: [cold, rebuild]
controls: {controls}
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for number in (0, 1):
        policy = tmp_path / CPUFREQ / f"policy{number}"
        policy.mkdir(parents=True)
        (policy / "scaling_governor").write_text("powersave\n")
        (policy / "scaling_available_governors").write_text("performance powersave\n")
    (tmp_path / CPUFREQ / "boost").write_text("1\n")
    return tmp_path


@pytest.fixture
def v2(tmp_path: Path) -> Group:
    folder = tmp_path / "group"
    folder.mkdir()
    for file, text in {"io.max": "", "memory.max": "max\n", "cpuset.cpus": "\n"}.items():
        (folder / file).write_text(text)
    return Group(name="lab-x", version="v2", folders={V2: folder})


def test_governor_and_turbo_are_set_and_put_back(machine: Path, tmp_path: Path) -> None:
    asked = Controls(frequency="performance", turbo="off")
    changes = list(values.wanted(asked, {}, {}, machine))
    governors = sorted(machine.glob(f"{CPUFREQ}/policy*/scaling_governor"))
    with Journal(tmp_path, print) as journal:
        for change in changes:
            assert isinstance(change, Change)
            assert values.apply(change, journal)[0] is None
        assert [file.read_text() for file in governors] == ["performance"] * 2
        assert (machine / CPUFREQ / "boost").read_text() == "0"
        journal.restore()
    assert [file.read_text().strip() for file in governors] == ["powersave"] * 2
    assert (machine / CPUFREQ / "boost").read_text() == "1"
    assert not list(tmp_path.glob("controls-*"))


def test_intel_s_switch_is_the_other_way_round(tmp_path: Path) -> None:
    switch = tmp_path / "sys/devices/system/cpu/intel_pstate/no_turbo"
    switch.parent.mkdir(parents=True)
    switch.write_text("0\n")
    (change,) = values.wanted(Controls(turbo="off"), {}, {}, tmp_path)
    assert isinstance(change, Change)
    assert (change.path, change.write) == (switch, "1")


def test_what_is_not_there_is_told_with_the_reason(machine: Path, tmp_path: Path) -> None:
    asked = Controls(frequency="schedutil", turbo="on", memory=4096)
    told = list(values.wanted(asked, {"docker": None}, {}, tmp_path / "empty"))
    assert all(isinstance(one, Unavailable) for one in told)
    assert [one.name for one in told] == ["frequency", "turbo", "memory"]
    (governor, *_) = values.wanted(Controls(frequency="schedutil"), {}, {}, machine)
    assert isinstance(governor, Unavailable)
    assert governor.reason == "policy0 knows performance, powersave"
    offered = {one.name: one.reason for one in survey(tmp_path / "empty")}
    assert offered["memory"] is not None
    assert offered["turbo"] is not None


def test_a_value_that_does_not_take_hold_is_undone_and_told(tmp_path: Path) -> None:
    file = tmp_path / "limit"
    file.write_text("max\n")
    change = Change(name="memory", asked="1", path=file, write="4097", expected="4096")
    with Journal(tmp_path, print) as journal:
        reason, was, held = values.apply(change, journal)
    assert reason is not None
    assert reason.startswith("it did not take hold")
    assert (was, held) == ("max", "4097")
    assert file.read_text() == "max"


def test_limits_of_a_v2_disk_keep_one_another(tmp_path: Path, v2: Group) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    number = storage.stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    (tmp_path / "sys/dev/block" / device).mkdir(parents=True)
    (v2.folders[V2] / "io.max").write_text(f"{device} rbps=7 wbps=max riops=max wiops=9\n")
    asked = Controls(disk_write=5_000_000)
    (change,) = values.wanted(asked, {"podman": v2}, {"podman": storage}, tmp_path)
    assert isinstance(change, Change)
    assert change.write == f"{device} wbps=5000000"
    assert change.expected == f"{device} rbps=7 wbps=5000000 riops=max wiops=9"


def test_memory_of_v2_and_a_cpuset_that_was_empty_go_back(tmp_path: Path, v2: Group) -> None:
    asked = Controls(memory=10_000_000, cpus="3,0-1")
    told = list(values.wanted(asked, {"podman": v2}, {}, tmp_path))
    with Journal(tmp_path, print) as journal:
        for change in told:
            if isinstance(change, Change):
                values.apply(change, journal)
        journal.restore()
    assert (v2.folders[V2] / "memory.max").read_text() == "max"
    assert {change.name: change.expected for change in told if isinstance(change, Change)} == {
        "cpus": "0-1,3",
        "memory": "9998336",
    }


def test_cpus_are_kept_for_the_engine_where_a_partition_can_take_them(
    tmp_path: Path, v2: Group
) -> None:
    place = v2.folders[V2] / "cpuset.cpus.partition"
    asked = Controls(cpus="1")

    def exclusive(**engines: Group | None) -> list[Change | Unavailable]:
        found = values.wanted(asked, engines, {}, tmp_path)
        return [one for one in found if one.name == values.EXCLUSIVE]

    (without,) = exclusive(podman=v2)
    assert isinstance(without, Unavailable)
    assert "this kernel has no partitions" in without.reason
    place.write_text("member\n")
    (found,) = exclusive(podman=v2, simulated=None)
    assert isinstance(found, Change)
    with Journal(tmp_path, print) as journal:
        assert values.apply(found, journal) == (None, "member", "root")
        journal.restore()
        assert place.read_text() == "member"
    both = exclusive(podman=v2, docker=v2)
    assert [isinstance(one, Unavailable) for one in both] == [True, True]
    (old,) = exclusive(podman=Group(name="lab-x", version="v1", folders={}))
    assert isinstance(old, Unavailable)
    assert "other programs may still use them" in old.reason


@given(st.sets(st.integers(0, 300), min_size=1))
def test_lists_of_cpus_go_there_and_back(cpus: set[int]) -> None:
    assert values.cpu_numbers(values._ranges(cpus)) == cpus


def test_a_journal_of_a_dead_lab_is_undone_backwards_and_a_torn_line_passed_over(
    tmp_path: Path,
) -> None:
    file = tmp_path / "value"
    file.write_text("third\n")
    entries = [
        {"kind": "value", "path": str(file), "undo": "first", "held": "second", "key": ""},
        {"kind": "value", "path": str(file), "undo": "second", "held": "third", "key": ""},
        {"kind": "value", "path": str(tmp_path / "gone"), "undo": "", "held": "x", "key": ""},
    ]
    text = "\n".join(json.dumps(entry) for entry in entries)
    (tmp_path / "held-dead.jsonl").write_text(text + '\n{"kind": "val')
    assert sweep(tmp_path, print) == 1
    assert file.read_text() == "first"
    assert sweep(tmp_path, print) == 0


def test_what_others_set_since_and_lines_of_other_devices_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "limits"
    file.write_text("8:0 100\n8:16 200\n")
    entry = {"kind": "value", "path": str(file), "undo": "8:0 0", "applied": "8:0 50", "key": "8:0"}
    put_back(json.dumps(entry), print)
    assert file.read_text() == "8:0 100\n8:16 200\n"
    put_back(json.dumps(entry | {"applied": "8:0 100"}), print)
    assert file.read_text() == "8:0 0"  # a kernel takes that for the one line


def test_a_scenario_s_controls_are_read() -> None:
    text = (
        "{frequency: performance, turbo: off, cpus: 0-1, disk: {read: 50MB}, memory: 1.5GB, "
        "memory_pressure: 64kB, page_cache: {cold: dropped, rebuild: warmed}}"
    )
    assert parse(SCENARIO.format(controls=text)).controls == Controls(
        frequency="performance",
        turbo="off",
        cpus="0-1",
        disk_read=50_000_000,
        memory=1_500_000_000,
        memory_pressure=64_000,
        page_cache={"cold": "dropped", "rebuild": "warmed"},
    )
    assert parse(SCENARIO.format(controls="{page_cache: dropped}")).controls == Controls(
        page_cache={"*": "dropped"}
    )


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ("{turbo: fast}", "one of on, off"),
        ("{memory: lots}", "a size such as 64kB"),
        ("{cpus: 3-1}", "the lower CPU first"),
        ("{page_cache: {'edit:x': dropped}}", "which is no phase of this scenario"),
        ("{page_cache: cool}", "dropped, warmed"),
        ("{disc: {read: 1MB}}", "did you mean 'disk'?"),
    ],
)
def test_mistakes_in_controls_are_told(controls: str, said: str) -> None:
    with pytest.raises(InputError, match="7:") as caught:
        parse(SCENARIO.format(controls=controls))
    assert said in caught.value.message
