"""What each instruction of a Dockerfile costs: in a build, and in the commits of a history."""

from __future__ import annotations

from lab.caching.cost.rebuilds import Rebuilds, rebuilds
from lab.caching.cost.table import Cost, Line, cost

__all__ = ["Cost", "Line", "Rebuilds", "cost", "rebuilds"]
