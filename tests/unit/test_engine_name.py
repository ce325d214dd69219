"""Names of engines: what each part says, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.model import engine_name as spec
from lab.model.errors import InputError


@pytest.mark.parametrize(
    ("text", "family", "version", "root", "store"),
    [
        ("docker", "docker", "", None, ""),
        ("docker@20.10", "docker", "20.10", None, ""),
        ("docker@28/containerd", "docker", "28", None, "containerd"),
        ("docker@28.5.2/graph", "docker", "28.5.2", None, "graph"),
        ("docker-classic@28", "docker-classic", "28", None, ""),
        ("podman@5.4", "podman", "5.4", None, ""),
        ("docker@/opt/docker-29", "docker", "", Path("/opt/docker-29"), ""),
        ("docker@/opt/docker-29/containerd", "docker", "", Path("/opt/docker-29"), "containerd"),
        ("docker@/opt/containerd/", "docker", "", Path("/opt/containerd"), ""),
        ("simulated", "simulated", "", None, ""),
    ],
)
def test_a_name_is_a_family_a_version_and_a_store(
    text: str, family: str, version: str, root: Path | None, store: str
) -> None:
    found = spec.parse(text)
    assert (found.family, found.version, found.root, found.store) == (family, version, root, store)
    assert found.text == text
    assert found.chosen == ("@" in text)
    assert spec.family(text) == family
    assert spec.names_engine(text)


@pytest.mark.parametrize(
    "text",
    [
        *("dokcer", "docker@", "docker@x", "docker@28/", "docker@28/other", "docker/containerd"),
        *("simulated@1", "podman@5.4/containerd", "docker@28 ", "docker@28\n", "docker@../up", ""),
        *("docker@28.", "docker@-1", "docker@/a b", "docker@/a=b", "@28", "docker@28@29"),
    ],
)
def test_what_is_no_name_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(InputError) as raised:
        spec.parse(text)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        ("28", "28.5.2+dfsg4-5", True),
        ("28.5", "28.5.2", True),
        ("2", "28.5.2", False),
        ("28.5.2", "28.5", False),
        ("20.10", "20.10.24+dfsg1-1+deb12u1+b6", True),
        ("20.1", "20.10.24", False),
        ("28", "5:28.5.2-1~debian.12", True),
        ("5", "v5.8.6", True),
        ("5", "", False),
    ],
)
def test_a_version_is_known_by_its_first_numbers(wanted: str, version: str, fits: bool) -> None:
    assert spec.matches(wanted, version) is fits


def test_words_of_the_command_line_that_mean_an_engine() -> None:
    assert spec.names_engine("docker@28=unix:///x.sock")
    assert spec.names_engine("docker=ssh://me@there")
    assert spec.names_engine("docker@nonsense")  # meant as one, and refused as one
    assert not spec.names_engine("20261128-1200-layer-cache")


def test_rules_are_asked_for_by_what_the_engine_said_of_itself() -> None:
    assert spec.identity("docker@28/containerd", "28.5.2") == ("docker", "28.5.2")
    assert spec.identity("podman", "") == ("podman", "")
    # A 5 may be a 5.8: the newest that begins so.
    assert spec.identity("podman@5") == ("podman", "5.9999")
    assert spec.identity("docker@/opt/docker-29") == ("docker", "")
