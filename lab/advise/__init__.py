"""Rewrites of a Dockerfile that save rebuilds, each with its predicted or measured gain."""

from __future__ import annotations

from lab.advise.gain import Advice, Cost, advise, over_edits, over_history
from lab.advise.rewrites import Rewrite, rewrites

__all__ = ["Advice", "Cost", "Rewrite", "advise", "over_edits", "over_history", "rewrites"]
