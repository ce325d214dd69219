"""Rewrites of a Dockerfile that save rebuilds, each with its predicted or measured gain."""

from __future__ import annotations

from lab.caching.advise.gain import (
    Advice,
    advise,
    changed_edits,
    gaining,
    offer,
    together,
    unpredicted,
    weighed,
)
from lab.caching.advise.pricing import Cost, each_file, over_edits, over_history
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.rewrites import rewrites

__all__ = [
    "Advice",
    "Cost",
    "Rewrite",
    "advise",
    "changed_edits",
    "each_file",
    "gaining",
    "offer",
    "over_edits",
    "over_history",
    "rewrites",
    "together",
    "unpredicted",
    "weighed",
]
