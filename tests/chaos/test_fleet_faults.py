"""A few faults of a fleet, of those that `python -m tests.chaos.fleet` draws by the hundred."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.fleet import Fault, Stage, befall


def test_each_build_is_on_disk_once_whatever_befalls(tmp_path: Path) -> None:
    with Stage.open(tmp_path) as stage:
        for fault in (
            Fault("cut", "scheduler", after=0.2, lasts=2),
            Fault("kill", "home", after=0.5, lasts=0),
            Fault("full", "home", after=0.2, lasts=0.5),
        ):
            befall(stage, fault)
