"""Where an image's Go is, and what is wrong with it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lab.images import goroot
from lab.images.opened import Opened, opened
from tests.image_archives import archive, layer, link, member


def toolchain(root: str, *, without: str = "") -> list[tuple[tarfile.TarInfo, bytes]]:
    tools = [f"pkg/tool/linux_amd64/{name}" for name in ("compile", "link", "asm")]
    files = ["VERSION", "bin/go", "src/runtime/proc.go", "src/fmt/print.go", "pkg/include/a.h"]
    return [
        member(f"{root}/{name}", b"x", mode=0o755) for name in [*files, *tools] if name != without
    ]


def image(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], **variables: str) -> Opened:
    env = [f"{name}={value}" for name, value in variables.items()]
    path = archive(tmp_path / "i.tar", [layer(*members)], {"Env": env})
    return opened(str(path), say=lambda _: None, cache=tmp_path / "cache")


def said(found: Opened) -> list[tuple[str, str, str]]:
    told = goroot.findings(found, goroot.goroot(found))
    return [(one.rule, one.level, one.place) for one in told]


def test_a_whole_toolchain_is_found_by_its_commands_path(tmp_path: Path) -> None:
    found = image(tmp_path, toolchain("opt/go"), PATH="/opt/go/bin:/usr/bin")
    there = goroot.goroot(found)
    assert (there.environment, there.command) == (None, "/opt/go/bin/go")
    assert (there.by_path, there.root, there.missing) == ("/opt/go", "/opt/go", ())
    assert said(found) == []


def test_a_link_to_the_command_leads_to_its_toolchain(tmp_path: Path) -> None:
    members = [*toolchain("opt/go1.22"), link("usr/bin/go", "../../opt/go1.22/bin/go")]
    found = image(tmp_path, members, PATH="/usr/bin")
    assert goroot.goroot(found).by_path == "/opt/go1.22"


def test_a_goroot_that_points_nowhere_is_an_error(tmp_path: Path) -> None:
    found = image(tmp_path, toolchain("usr/local/go"), GOROOT="/nowhere", PATH="/usr/local/go/bin")
    assert said(found) == [("goroot-nowhere", "error", "/nowhere")]


def test_two_toolchains_at_odds_are_a_warning(tmp_path: Path) -> None:
    members = [*toolchain("opt/a"), *toolchain("opt/b")]
    found = image(tmp_path, members, GOROOT="/opt/a", PATH="/opt/b/bin")
    assert said(found) == [("goroot-differs", "warning", "/opt/a")]


@pytest.mark.parametrize(
    "part", ["VERSION", "src/fmt/print.go", "pkg/tool/linux_amd64/link", "bin/go"]
)
def test_what_a_toolchain_lacks_is_named(tmp_path: Path, part: str) -> None:
    found = image(tmp_path, toolchain("usr/local/go", without=part), GOROOT="/usr/local/go")
    (missing,) = goroot.goroot(found).missing
    assert missing.rpartition("/")[2] == part.rpartition("/")[2]
    assert said(found) == [("toolchain-incomplete", "error", "/usr/local/go")]


def test_an_image_without_go_says_nothing(tmp_path: Path) -> None:
    found = image(tmp_path, [member("etc/motd", b"x")])
    assert not goroot.goroot(found).found
    assert said(found) == []
