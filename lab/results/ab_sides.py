"""Sides of one run that are measured in turn: an axis of its own, and each side as a run."""

from __future__ import annotations

from dataclasses import replace

from lab.model.record import Build
from lab.results.runs import StoredRun

BASELINE, CANDIDATE, CONTROL = "baseline", "candidate", "control"  # of an A/A control
SIDE = "side"


def side(stored: StoredRun, name: str) -> StoredRun:
    """One side of such a run, as a run of its own."""
    builds = tuple(_without(build) for build in stored.builds if build.cell.get(SIDE) == name)
    return replace(stored, builds=builds)


def _without(build: Build) -> Build:
    return replace(build, cell={axis: at for axis, at in build.cell.items() if axis != SIDE})
