"""What would happen if this was built: each step's outcome for each engine, without building."""

from __future__ import annotations

from lab.caching.predict.cache_simulator import Memory, Prediction, predict

__all__ = ["Memory", "Prediction", "predict"]
