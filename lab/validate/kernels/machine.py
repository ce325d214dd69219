"""A micro virtual machine for one kernel: QEMU, no network, no disk, a console and a time limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from lab.host import temporary
from lab.host.paths import SHARED_MEMORY
from lab.host.process import found
from lab.model.errors import LabError, MissingPrerequisite, VmBootFailed
from lab.validate.kernels import cpio
from lab.validate.probes import compiler
from lab.validate.probes import results as answers
from lab.validate.probes.programs import Program
from lab.validate.probes.results import ProbeResults

_MEGABYTE = 1 << 20
_BASE_MB = 192  # what a kernel without a root needs
_KVM = Path("/dev/kvm")
_PROCESSOR = Path("/proc/cpuinfo")
_SILENT = "console=ttyS0 quiet loglevel=2 panic=-1 reboot=t random.trust_cpu=on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel that can be booted. ``version`` is as `uname -r` tells it, where that is known.

    ``modules`` are loaded in this order: what the guest needs to mount a root. ``arguments`` are
    added to its command line.
    """

    name: str
    version: str | None
    image: Path
    modules: tuple[Path, ...] = ()
    origin: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """How a container would be confined: its capabilities as a mask, its filter as BPF bytes."""

    name: str
    capabilities: int
    filter: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One guest's life. ``seconds`` says how long the lab waited; under emulation it measures
    the emulator and must not be used for any claim about time."""

    kernel: Kernel
    results: tuple[ProbeResults, ...]
    emulated: bool
    seconds: float
    console: str = field(repr=False, default="")


def boot(
    kernel: Kernel,
    roots: Mapping[str, Path] | None = None,
    *,
    programs: Sequence[Program] = (),
    confinements: Sequence[Confinement] = (),
    timeout_s: float = 60,
) -> Boot:
    """Boot a kernel, probe it in each root under each confinement, and wait for its end.

    ``roots`` are squashfs images (lab.validate.kernels.roots) by name; without any, the calls are
    probed in
    the initial RAM file system. Raises MissingPrerequisite without QEMU, VmBootFailed where the
    guest does not come to its end in time.
    """
    qemu = found("qemu-system-x86_64")
    if qemu is None:
        raise MissingPrerequisite(
            "QEMU is not installed: it boots kernels", remedy="lab doctor --install"
        )
    roots = roots or {}
    files = _files(kernel, roots, programs, confinements)
    kvm = has_kvm()
    with temporary.folder("guest", _memory_folder()) as folder:
        initrd = folder / "initrd"
        with initrd.open("wb") as out:
            cpio.write(out, files)
        memory = _BASE_MB + 2 * initrd.stat().st_size // _MEGABYTE
        command = [str(qemu), *arguments(kernel, initrd, memory_mb=memory, kvm=kvm)]
        start = perf_counter()
        console = _to_the_end(command, kernel, timeout_s)
        seconds = perf_counter() - start
    try:
        results = answers.parse(console, what=f"kernel {kernel.name}")
    except LabError as error:
        raise VmBootFailed(error.message, remedy=error.remedy) from error
    return Boot(kernel=kernel, results=results, emulated=not kvm, seconds=seconds, console=console)


def arguments(kernel: Kernel, initrd: Path, *, memory_mb: int, kvm: bool) -> list[str]:
    """QEMU's arguments: no device but a serial console, so no network and no disk of the host."""
    accelerator = ("-accel", "kvm", "-cpu", "host") if kvm else ("-accel", "tcg", "-cpu", "max")
    line = f"{_SILENT} {kernel.arguments}".strip()
    return [
        *("-M", "microvm,acpi=off", *accelerator, "-m", str(memory_mb), "-smp", "1"),
        *("-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(kernel.image), "-initrd", str(initrd), "-append", line),
    ]


def has_kvm(device: Path = _KVM, processor: Path = _PROCESSOR) -> bool:
    """Whether guests run on the processor itself: the device can be there and not work."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return False
    flags = processor.read_text(errors="replace").split()
    return not {"vmx", "svm"}.isdisjoint(flags)


def _files(
    kernel: Kernel,
    roots: Mapping[str, Path],
    programs: Sequence[Program],
    confinements: Sequence[Confinement],
) -> dict[str, bytes | Path]:
    """What is in the guest's first file system: the probe program, its plan, what that names."""
    files: dict[str, bytes | Path] = {"init": compiler.static()}
    plan = []
    for number, module in enumerate(kernel.modules if roots else ()):
        files[f"lab/module{number}"] = module
        plan.append(f"module /lab/module{number}")
    for number, (name, image) in enumerate(roots.items()):
        files[f"lab/root{number}"] = image
        plan.append(f"root {_word(name)} /lab/root{number}")
    for number, one in enumerate(confinements):
        files[f"lab/filter{number}"] = one.filter
        place = f"/lab/filter{number}" if one.filter else "-"
        plan.append(f"confine {_word(one.name)} {place} {one.capabilities}")
    for number, program in enumerate(programs):
        files[f"lab/program{number}"] = program.file
        words = (_word(program.name), f"/lab/program{number}", str(int(program.traced)))
        plan.append(" ".join(["program", *words, program.argument]).rstrip())
    files["lab/plan"] = "".join(f"{line}\n" for line in plan).encode()
    return files


def _to_the_end(command: Sequence[str], kernel: Kernel, timeout_s: float) -> str:
    """What the guest printed. Whatever ends the wait ends the machine."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as machine:
        try:
            out, _ = machine.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as late:
            machine.kill()
            out, _ = machine.communicate()
            said = answers.tail(out.decode(errors="replace").splitlines())
            raise VmBootFailed(
                f"kernel {kernel.name} had not ended after {timeout_s:g} s: it was stopped\n{said}",
                remedy="give it more time, or check that the kernel is one for x86-64 with "
                "CONFIG_SERIAL_8250_CONSOLE and CONFIG_BLK_DEV_INITRD",
            ) from late
        except BaseException:
            machine.kill()
            raise
    text = out.decode(errors="replace")
    if machine.returncode != 0:
        raise VmBootFailed(
            f"QEMU could not boot kernel {kernel.name}: {answers.tail(text.splitlines(), 3)}",
            remedy="check that the file is a bzImage",
        )
    return text


def _memory_folder() -> Path | None:
    """A guest's files are read once: memory is the fastest place for them."""
    with suppress(OSError):
        room = os.statvfs(SHARED_MEMORY)
        if room.f_bavail * room.f_frsize > 2048 * _MEGABYTE and os.access(SHARED_MEMORY, os.W_OK):
            return SHARED_MEMORY
    return None


def _word(name: str) -> str:
    """A name as one word of the plan, which is split at spaces."""
    kept = "".join(letter if letter.isalnum() or letter in ".-_+" else "_" for letter in name)
    return kept[:40] or "_"
