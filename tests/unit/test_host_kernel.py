"""The host's own kernel, installed as distributions do, and the processor's own virtualisation."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from lab import kernels
from lab.bases.cache import Cache
from lab.errors import HostLacks
from lab.kernels import machine, packages

RELEASE = "6.6.6-test"
IMAGE = bytes(0x202) + b"HdrS" + bytes(64)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}


def installed(root: Path, end: str, boot: str) -> None:
    modules = {
        "drivers/block/loop": b"\0depends=\0",
        "fs/squashfs/squashfs": b"\0depends=lz4-decompress\0",
        "lib/lz4/lz4_decompress": b"\0depends=\0lz4",
        "drivers/net/loop": b"\0depends=\0another of this name",
    }
    for name, data in modules.items():
        path = root / "lib/modules" / RELEASE / "kernel" / f"{name}.ko{end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PACKED[end](data))
    image = root / boot
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(IMAGE)


@pytest.mark.parametrize("end", PACKED)
@pytest.mark.parametrize("boot", [f"boot/vmlinuz-{RELEASE}", f"usr/lib/modules/{RELEASE}/vmlinuz"])
def test_the_hosts_kernel_comes_with_what_it_needs_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, boot: str
) -> None:
    installed(tmp_path / "root", end, boot)
    monkeypatch.setattr("platform.release", lambda: RELEASE)
    found = kernels.of_host(tmp_path / "root", Cache(tmp_path / "cache"))
    assert (found.name, found.version, found.image.read_bytes()) == ("host", RELEASE, IMAGE)
    # loop needs nothing; squashfs comes behind what it depends on.
    assert [path.read_bytes() for path in found.modules] == [
        b"\0depends=\0",
        b"\0depends=\0lz4",
        b"\0depends=lz4-decompress\0",
    ]


def test_a_kernel_without_its_image_says_what_to_provide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.release", lambda: RELEASE)
    with pytest.raises(HostLacks, match=re.escape(RELEASE)) as raised:
        kernels.of_host(tmp_path, Cache(tmp_path / "cache"))
    assert "host=/path/to/bzImage" in str(raised.value.remedy)


def test_nothing_is_installed_where_nothing_is(tmp_path: Path) -> None:
    assert packages.on_disk(Cache(tmp_path / "cache"), tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("flags", "there"),
    [("fpu vmx sse", True), ("fpu svm", True), ("fpu vmxnet sse", False), ("fpu", False)],
)
def test_kvm_is_taken_where_device_and_processor_have_it(
    tmp_path: Path, flags: str, there: bool
) -> None:
    device, processor = tmp_path / "kvm", tmp_path / "cpuinfo"
    processor.write_text(f"flags\t\t: {flags}\n")
    assert machine.has_kvm(device, processor) is False
    device.touch()
    assert machine.has_kvm(device, processor) is there


@pytest.mark.parametrize("kvm", [True, False])
def test_the_machine_is_accelerated_by_what_there_is(kvm: bool) -> None:
    kernel = kernels.Kernel(name="k", version=None, image=Path("/k"))
    words = machine.arguments(kernel, Path("/i"), memory_mb=200, kvm=kvm)
    assert words[words.index("-accel") + 1] == ("kvm" if kvm else "tcg")
    assert words[words.index("-cpu") + 1] == ("host" if kvm else "max")
