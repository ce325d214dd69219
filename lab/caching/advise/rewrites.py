"""Rewrites of a Dockerfile that could save rebuilds. Each is a proposal: what it gains is predicted
or measured by others, never assumed here. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.caching.advise import cache_mounts, fetching, ignore_unread, narrow_copy, order
from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.rewrite import Rewrite
from lab.dockerfile.edits import Inputs

KINDS: tuple[Callable[[DockerfileView], Iterator[Rewrite]], ...] = (
    fetching.dependencies_first,
    fetching.sources_below,
    fetching.fetched_apart,
    order.packages_first,
    order.variables_down,
    order.labels_down,
    order.linked,
    narrow_copy.narrower,
    narrow_copy.apart,
    ignore_unread.ignored,
    cache_mounts.cached,
    cache_mounts.stated_goroot,
)


def rewrites(given: Inputs) -> list[Rewrite]:
    """Every rewrite that fits."""
    view = DockerfileView.of(given)
    found = [one for kind in KINDS for one in kind(view)]
    return [one for one in found if one.dockerfile != given.dockerfile or one.ignore is not None]
