"""Debian's archive as this host reaches it, and mmdebstrap, which makes root folders out of it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from lab.model.errors import DiskFull, MissingPrerequisite, SourceError

SUITE = re.compile(r"[a-z][a-z0-9-]*")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*")  # Debian's policy manual, 5.6.1
EPOCH = 1_704_067_200  # 2024-01-01: the time of files that mmdebstrap makes
# A mirror's copy of a moving suite can be older than its Release file allows.
OLD_RELEASE = 'Acquire::Check-Valid-Until "false"'
# What no program reads: manuals and translations (copyright files stay, as the licences ask).
TRIMMED = (
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
_LIMIT_S = 900


@lru_cache(maxsize=1)
def mirror() -> str | None:
    """Where the host takes the main archive of its own suite from; None where it is no Debian."""
    codename = host_codename()
    return None if codename is None else main_mirror(_index_targets(), codename)


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


def mmdebstrap(
    options: Sequence[str], suite: str, target: Path, apt_source: str | None, *, what: str
) -> None:
    """Make ``target``, a tar or a folder, out of a suite; ``what`` names it in errors.

    It works in the folder of ``target``, which is the caller's to clear. Raises
    MissingPrerequisite, SourceError, DiskFull.
    """
    if shutil.which("mmdebstrap") is None:
        raise MissingPrerequisite(
            f"mmdebstrap is not installed: it makes {what}", remedy="lab doctor --install"
        )
    command = ["mmdebstrap", "--quiet", *options]
    if apt_source is not None:
        command.append(f"--aptopt={OLD_RELEASE}")
    command += [suite, str(target)] + ([apt_source] if apt_source else [])
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "TMPDIR": str(target.parent)}
    try:
        code, said = _to_the_end(command, _without_locale(environment))
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"mmdebstrap did not make {what} within {_LIMIT_S} s",
            remedy="check that the distribution's mirror is in reach, then try again",
        ) from error
    if code == 0:
        return
    if "No space left" in said:
        raise DiskFull(f"no space left to make {what}", remedy="free 1 GB or move LAB_CACHE")
    if "unable to pick chroot mode" in said:
        raise MissingPrerequisite(
            f"mmdebstrap could not make {what}: it needs root, or a user "
            "namespace with ranges of ids",
            remedy="run it as root (sudo), or install uidmap and give this user ranges in "
            "/etc/subuid and /etc/subgid: usermod --add-subuids 100000-165535 --add-subgids "
            "100000-165535 USER",
        )
    lines = [line for line in said.splitlines() if line.startswith(("E:", "W:"))]
    raise SourceError(
        f"mmdebstrap could not make {what}: {' '.join(lines[:3]) or said[-300:].strip()}",
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
