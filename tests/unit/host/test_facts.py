"""Engines on one machine tell the same facts of it; those of another use the same words."""

from __future__ import annotations

import platform
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.engines.docker import DockerEngine
from lab.engines.podman_requests import engine_facts
from lab.host import facts
from lab.model.record import HostFacts

SOCKET = "unix:///run/engine.sock"


def by_docker(info: dict[str, Any], url: str = SOCKET) -> HostFacts:
    engine = object.__new__(DockerEngine)
    engine.__dict__ |= {"name": "docker", "_url": url, "_info": info, "_about": {}}
    engine.__dict__ |= {"_api": SimpleNamespace(api_version="1.41")}
    engine.__dict__ |= {"_private": False, "_family": "docker"}
    return engine.facts().host


def by_podman(info: dict[str, Any], url: str = SOCKET) -> HostFacts:
    return engine_facts({}, info, endpoint=url, private=False).host


def docker_info(storage: Path | str, **changes: object) -> dict[str, Any]:
    """As dockerd 20.10 answers."""
    return {
        "KernelVersion": platform.release(),
        "Name": socket.gethostname(),
        "DockerRootDir": str(storage),
        "NCPU": 3,
        "MemTotal": 4096,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "1",
        "DriverStatus": [["Backing Filesystem", "xfs"], ["Supports d_type", "true"]],
    } | changes


def podman_info(storage: Path | str, **changes: object) -> dict[str, Any]:
    """As podman 4.3 answers."""
    told = {
        "kernel": platform.release(),
        "hostname": socket.gethostname(),
        "cpus": 3,
        "memTotal": 4096,
        "cgroupManager": "cgroupfs",
        "cgroupVersion": "v1",
    } | changes
    store = {"graphRoot": str(storage), "graphStatus": {"Backing Filesystem": "xfs"}}
    return {"host": told, "store": store}


def test_engines_on_this_machine_have_its_facts(tmp_path: Path) -> None:
    own = facts.facts(tmp_path)
    assert by_docker(docker_info(tmp_path)) == by_podman(podman_info(tmp_path)) == own
    assert own.kernel == platform.release()
    assert own.cgroup in {"v1", "v2", None}


@pytest.mark.parametrize("url", ["ssh://there/run/engine.sock", "tcp://127.0.0.1:2375"])
def test_engines_of_another_address_tell_their_own(tmp_path: Path, url: str) -> None:
    told = HostFacts(
        kernel=platform.release(), cpus=3, memory_bytes=4096, cgroup="v1", filesystem="xfs"
    )
    assert by_docker(docker_info(tmp_path), url) == told
    assert by_podman(podman_info(tmp_path), url) == told


def test_a_socket_may_lead_to_another_machine_or_out_of_a_container(tmp_path: Path) -> None:
    for info in (
        docker_info(tmp_path, KernelVersion="0.1"),
        docker_info(tmp_path, Name="elsewhere"),
        docker_info(tmp_path / "in/no/sight"),
        docker_info(""),
    ):
        assert by_docker(info).cpus == 3
    for info in (podman_info(tmp_path, kernel="0.1"), podman_info(tmp_path / "in/no/sight")):
        assert by_podman(info).cpus == 3


def test_engines_that_tell_nothing_leave_everything_unknown() -> None:
    assert by_docker({}) == by_podman({}) == HostFacts()
    assert by_docker({"DriverStatus": None, "NCPU": 0, "CgroupVersion": ""}) == HostFacts()


@pytest.mark.parametrize(
    ("told", "known"),
    [("1", "v1"), ("v1", "v1"), (2, "v2"), ("v2", "v2"), ("", None), (None, None), ("x", None)],
)
def test_versions_of_control_groups_in_one_spelling(told: object, known: str | None) -> None:
    assert facts.told_cgroup(told) == known


@pytest.mark.parametrize(
    ("told", "known"),
    [("xfs", "xfs"), ("overlayfs", "overlay"), ("extfs", None), ("", None), (None, None)],
)
def test_file_systems_have_the_kernels_names(told: str | None, known: str | None) -> None:
    assert facts.told_filesystem(told) == known


def test_a_hybrid_machine_is_one_of_v1_to_a_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified/cgroup.controllers").touch()
    monkeypatch.setattr(facts, "CGROUPS", tmp_path)
    assert facts.cgroup(tmp_path) == "hybrid"
    assert facts.facts(tmp_path).cgroup == "v1"


def test_a_folder_that_this_user_may_not_look_into_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden/storage"
    lstat = Path.lstat

    def refusing(path: Path) -> Any:
        if path == hidden:
            raise PermissionError(13, "Permission denied")
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", refusing)
    assert by_docker(docker_info(hidden)).filesystem == facts.filesystem(tmp_path)
