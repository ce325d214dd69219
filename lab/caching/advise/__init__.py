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
from lab.caching.advise.pricing import Cost, over_edits, over_history
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.rewrites import rewrites
from lab.caching.advise.usual_edits import usual_edits

__all__ = [
    "Advice",
    "Cost",
    "Rewrite",
    "advise",
    "changed_edits",
    "gaining",
    "offer",
    "over_edits",
    "over_history",
    "rewrites",
    "together",
    "unpredicted",
    "usual_edits",
    "weighed",
]
