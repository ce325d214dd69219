"""Probers' answers, and what a guest is given."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.errors import LabError, SourceError
from lab.validate import kernels, probes
from lab.validate.kernels import machine, packages, roots
from lab.validate.probes import results

WHOLE = """\
[    0.1] a kernel's line
@lab bookworm bare call clone3 value 7\r
@lab bookworm bare call cachestat error 38\r
@lab bookworm bare call bpf killed 31\r
@lab bookworm bare calls 3\r
@lab bookworm bare used thread 435 -38\r
@lab bookworm bare used thread 56 0\r
@lab bookworm bare out thread glibc 2.36\r
@lab bookworm bare exit thread code 0\r
@lab - - done\r
"""


def test_a_whole_answer_is_read() -> None:
    (found,) = results.parse(WHOLE, what="a guest")
    assert (found.root, found.confinement) == ("bookworm", "bare")
    assert {name: answer.word for name, answer in found.calls.items()} == {
        "clone3": "works",
        "cachestat": "ENOSYS",
        "bpf": "killed",
    }
    assert found.calls["bpf"].signal == "SIGSYS"
    ran = found.programs["thread"]
    assert ran.output == ("glibc 2.36",)
    assert ran.used == {435, 56}
    assert ran.refused == {435: "ENOSYS"}


@pytest.mark.parametrize("missing", range(1, 9))
def test_an_answer_that_is_not_whole_is_none(missing: int) -> None:
    lines = WHOLE.splitlines()
    text = "\n".join(lines[:missing] + lines[missing + 1 :])
    if "call" in lines[missing] or "done" in lines[missing]:
        with pytest.raises(LabError):
            results.parse(text, what="a guest")
    else:  # a lost line of a program leaves the calls whole
        assert results.parse(text, what="a guest")


@given(st.text())
def test_noise_is_never_an_answer(noise: str) -> None:
    with pytest.raises(LabError):
        results.parse(noise, what="noise")


def test_a_guest_that_says_it_failed_is_believed() -> None:
    with pytest.raises(LabError, match="root bookworm: ENODEV"):
        results.parse("@lab - - failed root bookworm 19\n@lab - - done\n", what="a guest")


def test_a_guest_has_no_device_but_its_console() -> None:
    kernel = kernels.Kernel(name="k", version=None, image=Path("/k"), arguments="a=b")
    words = machine.arguments(kernel, Path("/i"), memory_mb=200, kvm=False)
    assert "-nodefaults" in words
    assert not {"-netdev", "-nic", "-net", "-device", "-drive", "-virtfs"} & set(words)
    assert words[-1].endswith(" a=b")


def tar_of(tmp_path: Path, name: str, entries: list[tarfile.TarInfo]) -> Path:
    path = tmp_path / name
    with tarfile.open(path, "w") as tar:
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    return path


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def test_layers_are_merged_as_a_container_sees_them(tmp_path: Path) -> None:
    lower = tar_of(
        tmp_path,
        "lower",
        [
            entry("a", tarfile.DIRTYPE),
            entry("a/gone", size=1),
            entry("b", tarfile.DIRTYPE),
            entry("b/hidden", size=1),
            entry("kept", size=3),
            entry("same", tarfile.LNKTYPE, "kept"),
        ],
    )
    upper = tar_of(
        tmp_path,
        "upper",
        [
            entry("a/.wh.gone"),
            entry("b/.wh..wh..opq"),
            entry("b/new", size=2),
            entry("kept", size=9),
        ],
    )
    out = io.BytesIO()
    roots.merge([lower, upper], out)
    out.seek(0)
    with tarfile.open(fileobj=out) as merged:
        sizes = {member.name: member.size for member in merged}
    assert sizes.keys() >= {"dev", "proc", "sys", "tmp"}  # what a guest mounts on
    sizes = {
        name: size for name, size in sizes.items() if name not in {"dev", "proc", "sys", "tmp"}
    }
    assert sizes == {"a": 0, "b": 0, "b/new": 2, "kept": 9, "same": 3}


def test_what_would_leave_the_root_stays_in_it(tmp_path: Path) -> None:
    bad = [
        entry("../../etc/passwd", size=1),
        entry("/abs", size=1),
        entry("null", tarfile.CHRTYPE),
        entry("pipe", tarfile.FIFOTYPE),
        entry("out", tarfile.SYMTYPE, "/../../etc"),
    ]
    out = io.BytesIO()
    roots.merge([tar_of(tmp_path, "bad", bad)], out)
    out.seek(0)
    with tarfile.open(fileobj=out) as merged:
        found = {member.name for member in merged} - {"dev", "proc", "sys", "tmp"}
    assert found == {"etc/passwd", "abs", "out"}


def test_a_truncated_layer_is_said(tmp_path: Path) -> None:
    path = tar_of(tmp_path, "cut", [entry("a", size=5000), entry("b", size=5000)])
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SourceError):
        roots.merge([path], io.BytesIO())


def test_modules_come_in_the_order_of_their_need() -> None:
    module = b"\0depends=%s\0"
    found = packages.in_order(
        {"squashfs": module % b"lz4,zstd", "lz4": module % b"", "loop": module % b"", "x": b""}
    )
    assert found == [module % b"", module % b"", module % b"lz4,zstd"]


@pytest.mark.parametrize("name", ["", "six", "6", "suite:../x", "/dev/null", "6.6=/no/such"])
def test_a_name_that_is_no_kernel_is_refused(name: str) -> None:
    with pytest.raises(SourceError):
        kernels.resolve(name)


def test_the_manual_has_every_call_with_its_source() -> None:
    manual = Path(__file__).parents[3] / "docs" / "kernels.md"
    rows = [line.split("|") for line in manual.read_text().splitlines() if line.startswith("| ")]
    told = {row[1].strip(): [cell.strip() for cell in row[2:5]] for row in rows if len(row) == 6}
    for name, call in probes.TABLE.items():
        assert told[name] == [call.since, call.source, call.off or ""]
