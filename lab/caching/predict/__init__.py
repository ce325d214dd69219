"""What would happen if this was built: each step's outcome for each engine, without building."""

from __future__ import annotations

from lab.caching.predict.cache_simulator import (
    CacheSimulator,
    PredictedStep,
    Prediction,
    predict,
)

__all__ = ["CacheSimulator", "PredictedStep", "Prediction", "predict"]
