"""The host's own running kernel, asked: its system calls, and an image's own libc on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.host.content_cache import Cache
from lab.host.paths import cache_dir
from lab.host.process import found, run
from lab.model.errors import MissingPrerequisite
from lab.validate.probes import compiler
from lab.validate.probes import results as answers
from lab.validate.probes.programs import Program
from lab.validate.probes.results import ProbeResults

_REMEDY = "lab doctor --install"
_NOBODY = "65534"


def on_host(*, timeout_s: float = 30) -> ProbeResults:
    """Ask the running kernel as the user who runs the lab.

    Harmless; raises MissingPrerequisite, LabError.
    """
    done = run([compiler.static(), "probe"], timeout_s=timeout_s)
    (results,) = answers.parse(done.out, what="this host's kernel")
    return results


def in_root(
    bare: ProbeResults, root: Path, programs: Sequence[Program], *, timeout_s: float = 60
) -> ProbeResults:
    """``bare`` with what the programs did in an image's file system on the running kernel.

    ``root`` is a squashfs (lab.validate.kernels.roots): it is unpacked into a folder that is
    cleared, and
    entered in namespaces of its own, without network, as nobody and without any capability, so
    that nothing of the image can leave it. Needs root; raises MissingPrerequisite, LabError.
    """
    if os.geteuid() != 0:
        raise MissingPrerequisite(
            "only root can enter an image's file system on this kernel",
            remedy="run it as root, or with --engine, whose containers need no root",
        )
    unpack, enter = found("unsquashfs"), found("unshare")
    if unpack is None or enter is None:
        raise MissingPrerequisite("unsquashfs or unshare is not installed", remedy=_REMEDY)
    with Cache(cache_dir() / "probers").temporary() as folder:
        inside = folder / "root"
        run([unpack, "-quiet", "-no-progress", "-no-xattrs", "-d", inside, root], timeout_s=300)
        place = Path(tempfile.mkdtemp(prefix="lab-probe-", dir=inside))
        for path in (place.parent, place, Path(folder)):
            path.chmod(0o755)  # nobody has to get there
        prober = place / "prober"
        for source, name in (
            (compiler.static(), prober.name),
            *((p.file, p.name) for p in programs),
        ):
            shutil.copyfile(source, place / name)
            (place / name).chmod(0o755)
        words = [f"{p.name}:{int(p.traced)}:/{place.name}/{p.name}:{p.argument}" for p in programs]
        alone = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child")
        away = (f"--root={inside}", f"--setgid={_NOBODY}", f"--setuid={_NOBODY}")
        command: list[str | Path] = [enter, *alone, *away, f"/{place.name}/prober", "probe", *words]
        done = run(command, timeout_s=timeout_s)
    (results,) = answers.parse(done.out, what="this host's kernel")
    return replace(bare, programs=results.programs)
