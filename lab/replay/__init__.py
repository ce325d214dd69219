"""A git history replayed against a layer cache, without building."""

from __future__ import annotations

from lab.replay.objects import Commit, Repository
from lab.replay.walk import Replay, Replayed, replay

__all__ = ["Commit", "Replay", "Replayed", "Repository", "replay"]
