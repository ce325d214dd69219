"""Which versions of the engines this host can start, for `lab doctor`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lab.cli.prerequisites import Finding, State
from lab.engines import archive, roots
from lab.host.content_cache import Cache

_WHY = "a version beside the engine's name starts it: docker@28, docker@28/containerd, podman@5.4"
Say = Callable[[str], None]


def findings(*, ask: bool, say: Say) -> tuple[Finding, ...]:
    """For each engine a line: what is in the cache starts at once, the rest comes from the archive.

    ``ask`` reads the archive's indexes where they were not read today, which needs the network and
    up to a minute. Raises SourceError.
    """
    if os.geteuid() != 0:
        told = dict.fromkeys(archive.PACKAGES, "none: only root can start them")
        return tuple(_finding(program, "absent", text) for program, text in told.items())
    cache = roots.store()
    held = {
        suite: archive.versions(suite, cache, say) if ask else archive.known_versions(suite, cache)
        for suite in archive.SUITES
    }
    return tuple(_finding(name, "ok", _told(name, cache, held)) for name in archive.PACKAGES)


def _finding(program: str, state: State, found: str) -> Finding:
    return Finding(name=f"{program}@", state=state, found=found, why=_WHY)


def _told(program: str, cache: Cache, held: Mapping[str, Mapping[str, str] | None]) -> str:
    package = archive.PACKAGES[program]
    here = sorted(
        f"{archive.plain(root.version)} ({root.suite})"
        for root in roots.cached(cache)
        if root.package == package
    )
    there = [
        f"{archive.plain(version)} ({suite})"
        for suite, known in held.items()
        if (version := (known or {}).get(package))
    ]
    more = [one for one in there if one not in here]
    parts = [f"at once: {', '.join(here)}"] if here else []
    parts += [f"from the archive: {', '.join(more)}"] if more else []
    if None in held.values():
        parts.append("`lab doctor --versions` asks the archive")
    return "; ".join(parts)
