"""Why steps were not cached: builds explained from their cache inputs."""

from __future__ import annotations

from lab.caching.explain.causes import Cause, Difference, difference
from lab.caching.explain.from_run import causes, explanations
from lab.caching.explain.misses import explain
from lab.caching.explain.model import BuildOutcome, Explanation, MeasuredBuild, StepExplanation

__all__ = [
    "BuildOutcome",
    "Cause",
    "Difference",
    "Explanation",
    "MeasuredBuild",
    "StepExplanation",
    "causes",
    "difference",
    "explain",
    "explanations",
]
