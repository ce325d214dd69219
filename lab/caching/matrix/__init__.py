"""The matrix of cache rules: kinds of edits, and what each engine's cache makes of them."""

from __future__ import annotations

from lab.caching.matrix.kinds import Cell, Kind, Matrix, Placed, kinds, measured

__all__ = ["Cell", "Kind", "Matrix", "Placed", "kinds", "measured"]
