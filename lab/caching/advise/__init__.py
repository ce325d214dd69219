"""Rewrites of a Dockerfile that save rebuilds, each with its predicted or measured gain."""

from __future__ import annotations

from lab.caching.advise.gain import Advice, advise, gaining, together, unpredicted, weighed
from lab.caching.advise.pricing import Cost, over_edits, over_history
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.rewrites import rewrites

__all__ = [
    "Advice",
    "Cost",
    "Rewrite",
    "advise",
    "gaining",
    "over_edits",
    "over_history",
    "rewrites",
    "together",
    "unpredicted",
    "weighed",
]
