"""The one module that watches a tree for changes: inotify, by watchfiles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import watchfiles

from lab.model.errors import MissingPrerequisite

QUIET_MS = 400  # changes that come within this of each other are one


def changes(tree: Path, *, stop: Event | None = None) -> Iterator[tuple[str, ...]]:
    """The paths below a tree that changed, again and again, until ``stop`` is set.

    Raises MissingPrerequisite where the kernel gives no more watches.
    """
    found = watchfiles.watch(
        tree,
        watch_filter=None,  # the default leaves out files of editors, which a copy would miss
        debounce=10 * QUIET_MS,
        step=QUIET_MS,
        rust_timeout=500,
        stop_event=stop,
        force_polling=False,
    )
    try:
        for batch in found:
            yield tuple(sorted({os.path.relpath(path, tree) for _, path in batch}))
    except (OSError, RuntimeError) as error:  # the library's own class has no name in Python
        raise MissingPrerequisite(
            f"{tree} cannot be watched: {error}",
            remedy="if the watches are used up: sysctl fs.inotify.max_user_watches=524288",
        ) from error
