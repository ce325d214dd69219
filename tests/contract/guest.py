"""A guest with cgroup v2 alone, and this very Python with the lab in it: what v2 does, for real.

Nothing of the host's is in it but the interpreter, its library and the lab's own modules; the
guest has no network and no disk.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab.host.process import found
from lab.validate.kernels import Kernel, cpio
from lab.validate.kernels.machine import arguments, has_kvm

LAB = Path(__file__).parents[2] / "lab"
LIBRARY = Path(sysconfig.get_path("stdlib"))
# Of the standard library all but what is large and not needed.
LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3"}
LEFT_OUT |= {"__pycache__", "turtledemo", "pydoc_data", "unittest", "sqlite3", "asyncio"}
NEEDED = re.compile(
    r"(?:_(?:json|ctypes|posixsubprocess|struct|socket|random|bisect|sha\w+|datetime|contextvars"
    r"|queue|heapq|opcode|lzma|bz2)|math|select|fcntl|zlib|binascii|array|grp|mmap|resource)\."
)
SHARED = re.compile(r"(?:=> )?(/\S+) \(0x")


def run(kernel: Kernel, script: str, files: Mapping[str, bytes | Path], *, cpus: int = 2) -> str:
    """What the script prints as the guest's first process; the guest ends with it."""
    qemu = found("qemu-system-x86_64")
    assert qemu is not None, "no QEMU: lab doctor --install"
    modules = {f"module/{at:02}": path for at, path in enumerate(kernel.modules)}
    everything = {**interpreter(), **modules, **files, "script.py": script.encode()}
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd"
        with initrd.open("wb") as out:
            cpio.write(out, everything)
        memory = 256 + 2 * initrd.stat().st_size // 2**20
        words = arguments(kernel, initrd, memory_mb=memory, kvm=has_kvm())
        words[words.index("-smp") + 1] = str(cpus)
        words[words.index("-M") + 1] = "q35"  # micro machines do not list their other CPUs
        first = f" rdinit={Path(sys.executable).resolve()} -- -B /script.py"
        words[words.index("-append") + 1] += first
        done = subprocess.run(
            [qemu, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=True
        )
    return done.stdout.decode(errors="replace")


def interpreter() -> dict[str, bytes | Path]:
    """This Python, its shared objects and its modules where it looks for them, and the lab."""
    program = Path(sys.executable).resolve()
    extensions = LIBRARY / "lib-dynload"
    objects = {program, *(path for path in extensions.glob("*.so") if NEEDED.match(path.name))}
    made: dict[str, bytes | Path] = {}
    for one in objects:
        told = subprocess.run(["ldd", one], capture_output=True, text=True, check=False).stdout
        for path in (one, *map(Path, SHARED.findall(told))):
            made[str(path).lstrip("/")] = path
    for path in LIBRARY.rglob("*.py"):
        if not LEFT_OUT & {*path.relative_to(LIBRARY).parts}:
            made[str(path).lstrip("/")] = path
    for path in LAB.rglob("*.py"):
        made[f"lab/{path.relative_to(LAB)}"] = path
    return made
