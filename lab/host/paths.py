"""Where the lab keeps what outlives a command: its cache, its engines' storage, their sockets."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from lab.model.errors import DiskFull, StoreError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (whoever uses it makes a folder of its own in it)


def cache_dir() -> Path:
    """Bootstrapped bases and toolchains: ``LAB_CACHE``, or ``lab`` in the user's cache folder."""
    return _made(cache_place(), "LAB_CACHE")


def cache_place() -> Path:
    """Where `cache_dir` is, or will be: nothing is made."""
    chosen = os.environ.get("LAB_CACHE")
    if chosen:
        return Path(chosen).absolute()
    # The XDG base directory specification: a relative XDG_CACHE_HOME is to be passed over.
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "lab"


def state_dir() -> Path:
    """Private engines' storage and the files that say who owns it."""
    return _made(cache_dir() / "engines", "LAB_CACHE")


def controls_dir() -> Path:
    """Journals of what the lab changed on this machine and must put back."""
    return _made(cache_dir() / "controls", "LAB_CACHE")


def ledgers_dir() -> Path:
    """What labs made in users' engines and have not given back."""
    return _made(cache_dir() / "ledgers", "LAB_CACHE")


def runtime_dir() -> Path:
    """Sockets: a folder that only its user can open, with a short path.

    A socket's path may have 107 bytes (unix(7)), so a long XDG_RUNTIME_DIR is passed over. The
    fallback is in a folder that everybody can write to: it is used only if it is the user's own.
    """
    home = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    usable = home.is_absolute() and len(str(home)) <= 40 and os.access(home, os.W_OK | os.X_OK)
    name = f"lab-{os.getuid()}"
    # Not tempfile.gettempdir() alone: a TMPDIR deep in a tree would make sockets' paths too long.
    temporary = Path(tempfile.gettempdir())
    root = temporary if len(str(temporary)) <= 40 else Path("/tmp")  # noqa: S108 (checked below)
    folder = home / "lab" if usable else root / name
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            raise StoreError(
                f"{folder} is not a folder of this user",
                remedy="remove it, or set XDG_RUNTIME_DIR to a folder of your own",
            )
        folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"cannot make {folder} for sockets: {error.strerror}",
            remedy="set XDG_RUNTIME_DIR to a folder of your own",
        ) from error
    return folder


def _made(folder: Path, variable: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        kind = DiskFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError
        raise kind(
            f"cannot make the folder {folder}: {error.strerror}",
            remedy=f"set {variable} to a folder that you can write to",
        ) from error
    return folder
