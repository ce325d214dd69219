"""The host's own kernel, installed as distributions do, and the processor's own virtualisation."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from lab.cli import main
from lab.golang.bench import kernel as experiment
from lab.host.content_cache import Cache
from lab.model.errors import Interrupted, LabError, MissingPrerequisite, VmBootFailed
from lab.validate import kernels
from lab.validate.kernels import machine, packages
from lab.validate.probes.results import BARE, Answer, ProbeResults

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
    with pytest.raises(MissingPrerequisite, match=re.escape(RELEASE)) as raised:
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


def test_an_experiment_without_any_kernel_fails_as_the_kernel_did(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["bench", "kernel", "--set", "kernels=a=/no/a", "--set", "kernels=b=/no/b"])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (9, "")
    assert "lab: cannot read the kernel /no/a" in said.err
    assert "next: check its path" in said.err
    assert "/no/b: No such file" in said.err


@pytest.mark.parametrize("stop", [VmBootFailed("it hung"), Interrupted("stopped")])
def test_a_kernel_that_does_not_boot_hides_no_other_and_a_stop_stops_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: LabError
) -> None:
    def boot(kernel: machine.Kernel) -> machine.Boot:
        if kernel.name == "bad":
            raise stop
        asked = ProbeResults(root="/", confinement=BARE, calls={"clone3": Answer(error="ENOSYS")})
        return machine.Boot(kernel=kernel, results=(asked,), emulated=True, seconds=1)

    image = tmp_path / "bzImage"
    image.write_bytes(IMAGE)
    monkeypatch.setattr(kernels, "boot", boot)
    names = [f"bad={image}", f"good={image}"]
    if isinstance(stop, Interrupted):
        with pytest.raises(Interrupted):
            experiment.measure(names=names, say=lambda _: None)
        return
    found = experiment.measure(names=names, say=lambda _: None)
    assert found.missing == {f"bad={image}": "it hung"}
    assert found.facts[f"good={image}/clone3"] == "ENOSYS"
