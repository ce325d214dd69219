"""A git history replayed against a layer cache, without building."""

from __future__ import annotations

from lab.caching.git.objects import Commit, Repository
from lab.caching.replay.commit_predictor import CommitPredictor
from lab.caching.replay.history import HistoryTotal, Replay, replay

__all__ = ["Commit", "CommitPredictor", "HistoryTotal", "Replay", "Repository", "replay"]
