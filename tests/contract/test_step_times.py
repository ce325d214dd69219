"""Step times against a clock inside the container, with wide margins for a noisy machine."""

from __future__ import annotations

import pytest

from benchmarks import step_times
from lab.runner.recorder import BuildOutcome
from tests.contract.conftest import BASE, Bench


@pytest.mark.timing
def test_a_steps_time_is_the_containers_own_plus_the_engines_set_up(real_bench: Bench) -> None:
    def build(script: str) -> tuple[BuildOutcome, bytes]:
        outcome = real_bench.build(script, cold=True)
        return outcome, real_bench.logs

    line = step_times.fit(build, BASE)
    assert line.count == 20
    assert 0.9 <= line.slope <= 1.1, line
    assert 0.0 <= line.set_up_s <= 2.0, line
    assert line.worst_residual_s <= 0.5, line
