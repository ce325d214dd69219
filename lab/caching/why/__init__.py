"""Why a rebuild misses between two states of a git repository: commits, or its work tree."""

from __future__ import annotations

from lab.caching.why.answer import Answer, Asked, EngineAnswer, why

__all__ = ["Answer", "Asked", "EngineAnswer", "why"]
