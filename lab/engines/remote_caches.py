"""Which engine can keep a fresh machine's cache by which strategy.

Tried with docker 20.10.24, 26.1.5 and 28.5.2 in both image stores, and podman 4.3.1, 5.4.2 and
5.8.6 (docs/fresh-runner.md); tests/contract/test_remote_caches.py holds the table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from lab.engines import features
from lab.model import engine_name
from lab.model.errors import InputError
from lab.model.remote_cache import STAYING

Say = Callable[[str], None]

# Written by the client's session, which the daemon's own BuildKit serves on this store alone.
EXPORTED = frozenset({"registry-min", "registry-max", "local"})
# The image itself carries its cache, which any BuildKit writes and reads.
IN_IMAGES = frozenset({"inline", "stage-images"})
PODMANS = "podman-registry"


def lacks(engine: str, version: str, strategy: str, *, containerd: bool | None) -> tuple[str, ...]:
    """Why an engine cannot do by the strategy; empty where it can.

    ``containerd``: whether it keeps its images in containerd's store; None: by its name.
    """
    if not strategy or strategy in STAYING:
        return ()
    family, known = engine_name.identity(engine, version)
    if family == features.BUILDKIT:
        return _buildkit(engine, known, strategy, containerd)
    if family == features.PODMAN and strategy == PODMANS:
        return ()
    own = f"; {family} has {PODMANS}" if family == features.PODMAN else ""
    return (f"{family} has no cache {strategy}{own}",)


def able(
    engines: Sequence[tuple[str, str]], strategy: str, *, named: bool
) -> list[tuple[str, str]]:
    """Of engines and their versions those that can do by the strategy, in whichever image store.

    Raises InputError where none can, and where one of those cannot that a user has ``named``.
    """
    why = {one: lacks(*one, strategy, containerd=True) for one in engines}
    found = [one for one in engines if not why[one]]
    if not found or (named and len(found) < len(engines)):
        refused = next(text for texts in why.values() for text in texts)
        raise InputError(refused, remedy="docs/fresh-runner.md has who can do what")
    return found


def fetch(strategies: Collection[str], say: Say) -> None:
    """Have the programs at hand that the strategies need. Raises what the archive raises."""
    if EXPORTED.intersection(strategies):
        from lab.engines import buildx

        buildx.program(say)


def _buildkit(engine: str, version: str, strategy: str, containerd: bool | None) -> tuple[str, ...]:
    if strategy in IN_IMAGES:
        return ()
    if strategy not in EXPORTED:
        return (f"docker has no cache {strategy}; it is podman's",)
    if containerd is None:
        named = engine_name.parse(engine).store
        # A new installation has this store since 29; nothing else tells it from a name.
        newest = bool(version) and features.parse_version(version) >= (29,)
        containerd = named == "containerd" or (not named and newest)
    if containerd:
        return ()
    return (
        f"docker exports a cache {strategy} from containerd's image store alone: "
        "name it docker@28/containerd",
    )
