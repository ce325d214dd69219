"""What every test is owed: the signals as it found them, and as long as it takes."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# The machine is shared: a test that is kept waiting by others has not failed.
settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# `make quick` asks for this one: a first answer from a quarter of the examples.
settings.register_profile("quick", parent=settings.get_profile("shared machine"), max_examples=25)
settings.load_profile("shared machine")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes signals for itself and ignores them when it ends: so would whatever a
    later test starts.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
