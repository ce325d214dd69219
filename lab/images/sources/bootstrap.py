"""An operating system suite made into a minimal root file system by mmdebstrap."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.images.sources.cache import Cache, Layer, Say
from lab.images.sources.image_tar import EPOCH, architecture
from lab.model.errors import DiskFull, MissingPrerequisite, SourceError

SUITE = re.compile(r"[a-z][a-z0-9-]*")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*")  # Debian's policy manual, 5.6.1
# What no build reads, and every engine would load and keep: manuals and translations (40 of 165
# MB; copyright files stay, as the licences ask), and /dev, which every container gets afresh and
# which an engine without root could not make. mmdebstrap itself clears apt's lists and packages.
TRIMMED = (
    "--skip=output/dev",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
_RECIPE = 1  # counts up when the options change, so that no older base is taken for a new one
_LIMIT_S = 900


def key(suite: str, packages: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that decides what the bootstrap makes, as far as the lab decides it."""
    if not SUITE.fullmatch(suite):
        raise SourceError(
            f"{suite!r} is not a suite's code name", remedy="bookworm, trixie, sid ..."
        )
    found = {"suite": suite, "recipe": _RECIPE, "arch": architecture(), "source": source(suite)}
    if not all(PACKAGE.fullmatch(name) for name in packages):
        raise SourceError(f"{' '.join(packages)!r} names no packages", remedy="gcc, libc6-dev ...")
    return found | ({"packages": list(packages)} if packages else {})


def source(suite: str) -> str | None:
    """The apt source of a suite that is not the host's: the host's mirror, main archive alone.

    The host's own suite needs none (mmdebstrap takes the host's). Of other suites the security
    archive may list files that are gone, so the main archive is the whole source.
    """
    codename = host_codename()
    if suite == codename or codename is None:
        return None
    mirror = main_mirror(_index_targets(), codename)
    return None if mirror is None else f"deb {mirror} {suite} main"


def main_mirror(targets: str, codename: str) -> str | None:
    """The address from which the host takes the main archive of its suite.

    ``targets`` are lines ``ADDRESS|SUITE|COMPONENT`` of ``apt-get indextargets``.
    """
    for line in targets.splitlines():
        address, _, rest = line.partition("|")
        if rest == f"{codename}|main":
            return address.rstrip("/")
    return None


def host_codename() -> str | None:
    """The host's own suite, None where it names none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        return None


def layer(
    cache: Cache, suite: str, apt_source: str | None, packages: Sequence[str] = (), *, say: Say
) -> Layer:
    """Bootstrap a suite.

    Takes 15 to 40 s and the network; raises MissingPrerequisite, SourceError.
    """
    if shutil.which("mmdebstrap") is None:
        raise MissingPrerequisite(
            f"mmdebstrap is not installed: it makes the base {suite}",
            remedy="lab doctor --install",
        )
    more = f" and {', '.join(packages)}" if packages else ""
    say(f"bootstrapping {suite}{more} with mmdebstrap (about half a minute, once)")
    with cache.temporary() as folder:
        path = folder / "root.tar"
        command = ["mmdebstrap", "--variant=minbase", "--quiet", "--format=tar", *TRIMMED]
        if apt_source is not None:
            # A mirror's copy of a moving suite can be older than its Release file allows.
            command.append('--aptopt=Acquire::Check-Valid-Until "false"')
        command += [f"--include={','.join(packages)}"] if packages else []
        command += [suite, str(path)] + ([apt_source] if apt_source else [])
        _run(command, suite, folder)
        return cache.adopt(path)


def extract(suite: str, package: str, path: Path, apt_source: str | None) -> None:
    """Unpack a package and what it depends on into a tar; none of it is installed or run.

    ``path`` lies in a folder of its own. Takes 5 to 10 s; raises MissingPrerequisite, SourceError.
    """
    if shutil.which("mmdebstrap") is None:
        raise MissingPrerequisite(
            f"mmdebstrap is not installed: it fetches {package} of {suite}",
            remedy="lab doctor --install",
        )
    command = ["mmdebstrap", "--variant=extract", "--quiet", "--format=tar"]
    command += [f"--include={package}", '--aptopt=Acquire::Check-Valid-Until "false"']
    command += [suite, str(path)] + ([apt_source] if apt_source else [])
    _run(command, f"{suite}'s {package}", path.parent)


def _run(command: list[str], suite: str, folder: Path) -> None:
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "TMPDIR": str(folder)}
    try:
        code, said = _to_the_end(command, _without_locale(environment))
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"mmdebstrap {suite} was not done after {_LIMIT_S} s",
            remedy="check that the distribution's mirror is in reach, then try again",
        ) from error
    if code == 0:
        return
    if "No space left" in said:
        raise DiskFull(f"no space left to bootstrap {suite}", remedy="free 1 GB or move LAB_CACHE")
    lines = [line for line in said.splitlines() if line.startswith(("E:", "W:"))]
    raise SourceError(
        f"mmdebstrap could not make {suite}: {' '.join(lines[:3]) or said[-300:].strip()}",
        remedy="check the suite's name and that the distribution's mirror is in reach",
    )


def _to_the_end(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and standard error. Whatever ends the wait ends apt and dpkg below it too."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=_LIMIT_S)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, said


def _index_targets() -> str:
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    try:
        return subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Identifier: Packages"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _without_locale(environment: Mapping[str, str]) -> dict[str, str]:
    """Perl warns of a locale that the new root does not have yet; the image does not differ."""
    kept = {name: value for name, value in environment.items() if not name.startswith("LC_")}
    return kept | {"LANG": "C.UTF-8"}
