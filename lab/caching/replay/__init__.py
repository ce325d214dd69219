"""A git history replayed against a layer cache, without building."""

from __future__ import annotations

from lab.caching.replay.git_objects import Commit, Repository
from lab.caching.replay.history import Replay, Replayed, replay

__all__ = ["Commit", "Replay", "Replayed", "Repository", "replay"]
