"""Images that are broken on purpose: told rightly, and nothing leaves the work folder."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import pytest

from lab.images import hostile
from lab.images.elves import elves
from lab.images.opened import Opened, opened
from lab.model.errors import SourceError
from tests.image_archives import archive, layer, link, member

PROGRAM = Path("/bin/true").read_bytes()


def image(tmp_path: Path, *layers: bytes) -> Opened:
    path = archive(tmp_path / "image.tar", layers)
    return opened(str(path), say=lambda _: None, cache=tmp_path / "work/cache")


def rules(tmp_path: Path, *layers: bytes) -> set[tuple[str, str, str]]:
    found = hostile.findings(image(tmp_path, *layers).contents)
    return {(one.rule, one.level, one.place) for one in found}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([member("../../escaped", b"x")], ("path-escapes", "error", "/escaped")),
        ([member("a/../../escaped", b"x")], ("path-escapes", "error", "/escaped")),
        ([member("/etc/passwd", b"x")], ("absolute-name", "warning", "/etc/passwd")),
        (
            [member("shadow", type=tarfile.LNKTYPE, linkname="/etc/shadow")],
            ("link-escapes", "error", "/shadow"),
        ),
        (
            [member("shadow", type=tarfile.LNKTYPE, linkname="../../etc/shadow")],
            ("link-escapes", "error", "/shadow"),
        ),
        ([link("up", "../../../etc")], ("link-escapes", "warning", "/up")),
        ([link("up", "/../etc")], ("link-escapes", "warning", "/up")),
        (
            [link("out", "/etc"), member("out/passwd", b"x")],
            ("written-through-link", "error", "/out/passwd"),
        ),
        (
            [member("dev/sda", type=tarfile.BLKTYPE, devmajor=8)],
            ("device-node", "warning", "/dev/sda"),
        ),
        (
            [member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
            ("device-node", "warning", "/dev/null"),
        ),
    ],
)
def test_a_member_that_leads_elsewhere_is_told_and_writes_nothing(
    tmp_path: Path,
    members: list[tuple[tarfile.TarInfo, bytes]],
    expected: tuple[str, str, str],
) -> None:
    assert rules(tmp_path, layer(*members)) == {expected}
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside == {"image.tar", "work"}
    assert not (tmp_path.parent / "escaped").exists()
    kept = {path.suffix for path in (tmp_path / "work").rglob("*") if path.is_file()}
    assert kept <= {".tar", ".json", ""}, "layers are kept as tars, never unpacked"


def test_links_as_debian_has_them_are_no_finding(tmp_path: Path) -> None:
    members = [
        link("bin", "usr/bin"),
        link("etc/alternatives/awk", "/usr/bin/mawk"),
        link("etc/mtab", "../proc/self/mounts"),
        member("usr/bin/a", b"x"),
        member("usr/bin/b", type=tarfile.LNKTYPE, linkname="usr/bin/a"),
    ]
    assert rules(tmp_path, layer(*members)) == set()


def test_what_a_later_layer_covers_is_hidden_and_still_read(tmp_path: Path) -> None:
    held = image(
        tmp_path,
        layer(member("bin/a", PROGRAM, mode=0o755), member("bin/b", PROGRAM, mode=0o755)),
        layer(member("bin/a", b"#!/bin/sh\n", mode=0o755), member("bin/.wh.b")),
    ).contents
    found = elves(held)
    assert dict(found.files) == {}
    assert sorted(one.path for one in found.hidden) == ["bin/a", "bin/b"]


def test_a_cut_off_elf_file_is_told_with_its_place(tmp_path: Path) -> None:
    cut = PROGRAM[: len(PROGRAM) // 2]
    found = elves(image(tmp_path, layer(member("bin/cut", cut, mode=0o755))).contents)
    assert [(one.path, one.layer) for one in found.damaged] == [("bin/cut", 0)]
    assert "cut off" in found.damaged[0].why


@pytest.mark.slow
def test_a_layer_that_unpacks_without_end_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    pack = zlib.compressobj(9, wbits=31)
    block, bomb = bytes(1 << 24), bytearray()
    for _ in range(80):  # 1.3 GB of zeros in 1.3 MB
        bomb += pack.compress(block)
    bomb += pack.flush()
    path = archive(tmp_path / "image.tar", [bytes(bomb)])
    with pytest.raises(SourceError, match="unpacks to more than"):
        opened(str(path), say=lambda _: None, cache=tmp_path / "cache")
    left = [one for one in (tmp_path / "cache").rglob("*") if one.is_file() and one.stat().st_size]
    assert left == []


def test_an_image_that_is_nowhere_is_told_with_the_forms_of_a_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image 'debian:12'") as error:
        opened("debian:12", say=lambda _: None, cache=tmp_path / "cache")
    assert "docker save" in str(error.value.remedy)
