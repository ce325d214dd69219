"""The doctor and the host's facts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cli import doctor
from lab.cli.doctor import Finding
from lab.host import facts as host
from lab.host.process import Done
from lab.model.errors import LabError, MissingPrerequisite

MISSING = Finding(
    name="podman",
    state="missing",
    found="no podman",
    why="private engine podman",
    fix="apt-get install --yes --no-install-recommends podman",
    packages=("podman",),
)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands that the doctor would run, on a host without podman."""
    ran: list[str] = []

    def record(command: Sequence[str], **_: object) -> Done:
        ran.append(" ".join(command))
        return Done(code=0, out="", err="")

    monkeypatch.setattr(doctor, "run", record)
    monkeypatch.setattr(doctor, "survey", lambda **_: (MISSING,))
    monkeypatch.setattr(doctor, "found", lambda name: Path("/usr/bin") / name)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return ran


def test_install_renews_the_lists_once_and_installs_only_what_is_missing(
    commands: list[str],
) -> None:
    said: list[str] = []
    doctor.install(said.append)
    assert commands == [
        "apt-get update -o DPkg::Lock::Timeout=600",
        "apt-get install --yes --no-install-recommends podman -o DPkg::Lock::Timeout=600",
    ]
    assert "podman" in said[0]


def test_not_root_the_commands_are_said_and_nothing_is_run(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said: list[str] = []
    doctor.install(said.append)
    assert commands == []
    assert "  apt-get install --yes --no-install-recommends podman" in said


def test_an_unknown_package_manager_changes_nothing(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "found", lambda _: None)
    doctor.install(lambda _: None)
    assert commands == []


def test_lists_that_cannot_be_renewed_are_a_warning(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(command: Sequence[str], **_: object) -> Done:
        commands.append(command[1])
        if command[1] == "update":
            raise LabError("exit code 100 of: apt-get update\nE: no network")
        raise MissingPrerequisite("no such package")

    monkeypatch.setattr(doctor, "run", refuse)
    said: list[str] = []
    with pytest.raises(MissingPrerequisite):
        doctor.install(said.append)
    assert commands == ["update", "install"]
    assert said[-1].endswith("E: no network")


def test_nothing_missing_means_nothing_done(
    commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "survey", lambda **_: ())
    doctor.install(lambda _: None)
    assert commands == []


@pytest.mark.slow
def test_the_survey_of_this_host_fits_80_columns() -> None:
    findings = doctor.survey()
    text = doctor.render(findings)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert {"docker", "podman", "cgroup", "disk", "kernel", "glibc"} <= {f.name for f in findings}
    assert all(finding.why for finding in findings)


@pytest.mark.slow
@given(st.text(max_size=300), st.lists(st.text("abc-", min_size=1, max_size=20), max_size=30))
def test_any_finding_is_rendered_within_80_columns_and_its_command_pastes(
    found: str, words: list[str]
) -> None:
    fix = " ".join(words)
    finding = Finding(name="x", state="broken", found=found, why="it matters", fix=fix)
    text = doctor.render((finding,))
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    if fix:
        start = next(n for n, line in enumerate(lines) if line.startswith(" " * 9 + "$ "))
        pasted = "\n".join(lines[start:]).partition("$ ")[2].replace("\\\n", "")
        assert pasted.partition("\n")[0].split() == fix.split()


def test_the_hosts_facts_are_found() -> None:
    facts = host.facts(Path("/"))
    assert facts.kernel == os.uname().release
    assert facts.cpus
    assert facts.memory_bytes
    assert facts.memory_bytes > 1 << 20
    assert host.filesystem(Path("/proc/self")) == "proc"
    assert host.filesystem(Path("/proc")) == "proc"


def test_facts_that_a_kernel_does_not_tell_are_none() -> None:
    assert host.cpu_model("") is None
    assert host.memory_bytes("MemFree: 1 kB") is None
    assert host.cpu_model("processor\t: 0\nmodel name\t: A B\n") == "A B"
    assert host.memory_bytes("MemTotal:       2048 kB\n") == 2048 * 1024


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("cgroup.controllers",), "v2"),
        (("unified/cgroup.controllers", "memory/tasks"), "hybrid"),
        (("memory/tasks",), "v1"),
        ((), None),
    ],
)
def test_the_version_of_control_groups(
    files: tuple[str, ...], expected: str | None, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert host.cgroup(tmp_path) == expected


def test_mounts_are_read_with_their_escapes_and_what_is_torn_is_passed_over() -> None:
    text = "36 35 98:0 / /a\\040b rw,noatime master:1 - ext4 /dev/root rw\nnonsense\n1 2 3 - \n"
    assert host.mounts(text) == [host.Mount(Path("/a b"), "ext4", "/dev/root")]


@given(st.text())
def test_any_mountinfo_is_read(text: str) -> None:
    host.mounts(text)
