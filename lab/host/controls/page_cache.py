"""The page cache, dropped or warmed before a build, and what of it was warm put back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from lab.host import paths
from lab.host.controls.journal import Journal
from lab.host.controls.page_cache_files import regular, resident_files, resident_share, warm
from lab.host.process import found
from lab.model import units

DROP = Path("/proc/sys/vm/drop_caches")
PROGRAMS = ("dockerd", "containerd", "podman", "runc", "crun", "slirp4netns")
COLD, WARM = 0.05, 0.95  # shares of the engine's storage in memory that count as dropped, warmed


def lacking() -> str | None:
    """Why the page cache cannot be controlled here."""
    if found("fincore") is None:
        return "no fincore to read back with: apt-get install util-linux"
    if os.geteuid() != 0 or not DROP.exists():
        return "only root may drop the page cache"
    return None


def prepare(
    wish: Literal["dropped", "warmed"], storage: Path | None, journal: Journal
) -> tuple[str | None, str | None]:
    """Drop or warm it: why it did not take hold (None: it did), and what was read back."""
    reason = lacking()
    if reason is not None or storage is None:
        return reason or "the engine is not private to the lab: --private", None
    files = list(regular(storage))
    if wish == "dropped":
        kept = resident_files([*programs(), *regular(paths.cache_dir(), below=storage)])
        journal.warm(kept)
        os.sync()  # dirty pages are not dropped
        try:
            DROP.write_text("1\n")
        except OSError as error:
            return f"the kernel refuses to drop it: {error.strerror}", None
    else:
        warm(files)
    share = resident_share(files)
    held = None if share is None else f"{units.percent(share)} of the engine's storage in memory"
    if share is None:
        return None, "the engine's storage is empty"
    if (wish == "dropped" and share > COLD) or (wish == "warmed" and share < WARM):
        return f"it did not take hold: {held}", held
    return None, held


def programs() -> list[Path]:
    """The engines' own programs, which a build needs as it needs its files."""
    return [place.resolve() for name in PROGRAMS if (place := found(name)) is not None]
