"""The probe programs, compiled once from the sources beside this module and kept by content.

The static one stands on nothing: no libc, no loader. gcc alone (no libc's headers) makes both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lab.host.content_cache import Cache
from lab.host.paths import cache_dir
from lab.host.process import found, run
from lab.images.sources.image_tar import architecture
from lab.model.errors import MissingPrerequisite

SOURCES = Path(__file__).parent / "src"
_STATIC = (
    *("-Os", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-ffreestanding"),
    *("-fno-stack-protector", "-fno-pie", "-no-pie", "-fcf-protection=none"),
    *("-fno-asynchronous-unwind-tables", "-Wl,--build-id=none", "-Wl,-z,noexecstack"),
)
# Programs of the first x86-64 glibc still run, because their symbols carry its version.
_STUB = (
    *("-Os", "-w", "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-fcf-protection=none"),
    *("-Wl,--version-script=versions.map", "-Wl,--build-id=none"),
)
_DYNAMIC = (
    *("-Os", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-ffreestanding", "-no-pie", "-fno-pie"),
    *("-fno-stack-protector", "-fcf-protection=none", "-Wl,--build-id=none"),
    *("-Wl,--no-as-needed", "-Wl,--hash-style=both", "-Wl,-z,noexecstack"),
)
# musl's loader takes itself for libc, libpthread and libdl of any number (its ldso/dynlink.c).
_LOADERS = {"glibc": "/lib64/ld-linux-x86-64.so.2", "musl": "/lib/ld-musl-x86_64.so.1"}
_REMEDY = "lab doctor --install"
Libc = Literal["glibc", "musl"]


def static(cache: Path | None = None) -> Path:
    """The static probe program: an ELF file that runs on any x86-64 Linux.

    Raises MissingPrerequisite.
    """
    names = ("raw.c", "calls.c", "program.c", "guest.c", "main.c")
    return _kept("prober", [*names, "raw.h"], [[*_STATIC, "-o", "OUT", *names]], cache)


def _kept(
    what: str, sources: Sequence[str], commands: Sequence[Sequence[str]], cache: Path | None
) -> Path:
    """What the commands make, gcc's arguments with OUT for their last output."""
    if architecture() != "amd64":
        raise MissingPrerequisite(
            f"the lab's probers know the system calls of x86-64; this machine is {architecture()}",
            remedy="run it on an x86-64 machine",
        )
    gcc = found("gcc")
    if gcc is None:
        raise MissingPrerequisite(
            "gcc is not installed: it compiles the lab's probers", remedy=_REMEDY
        )
    version = run([gcc, "-dumpfullversion"], error=MissingPrerequisite, remedy=_REMEDY).out.strip()
    digests = [hashlib.sha256((SOURCES / name).read_bytes()).hexdigest() for name in sources]
    key = {
        "prober": what,
        "gcc": version,
        "sources": digests,
        "commands": list(map(list, commands)),
    }
    store = Cache(cache_dir() / "probers" if cache is None else cache)

    def make() -> dict[str, object]:
        with store.temporary() as folder:
            out = folder / what
            for command in commands:
                given = [
                    word.replace("OUT", str(out)).replace("FOLDER", str(folder)) for word in command
                ]
                run(
                    [gcc, *given],
                    folder=SOURCES,
                    timeout_s=120,
                    error=MissingPrerequisite,
                    remedy=_REMEDY,
                )
            layer = store.adopt(out)
            return {"layers": [[layer.digest, layer.size]]}

    entry = store.entry(key, make, say=lambda _: None, what=what)
    path = store.kept(*entry["layers"][0]).path
    path.chmod(0o755)
    return path


def dynamic(libc: Libc = "glibc", *, cache: Path | None = None) -> Path:
    """The dynamic probe program: it loads with any glibc, or any musl, of x86-64.

    Raises MissingPrerequisite.
    """
    stubs = {"libc": "libc.so.6", "libpthread": "libpthread.so.0", "libdl": "libdl.so.2"}
    commands = [
        [*_STUB, f"-Wl,-soname,{soname}", "-o", f"FOLDER/{soname}", f"{name}.c"]
        for name, soname in stubs.items()
    ]
    linked = [f"FOLDER/{soname}" for soname in stubs.values()]
    own = (f"-Wl,--dynamic-linker={_LOADERS[libc]}", f"-DMUSL={int(libc == 'musl')}")
    commands.append([*_DYNAMIC, *own, "-o", "OUT", "dynamic.c", *linked])
    sources = ("dynamic.c", *(f"{name}.c" for name in stubs), "versions.map")
    return _kept(f"dynamic-{libc}", sources, commands, cache)
