"""What every test is owed: its neighbours, the signals as it found them, as long as it takes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The machine is shared: a test that is kept waiting by others has not failed.
settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# `make quick` asks for this one: a first answer from a quarter of the examples.
settings.register_profile("quick", parent=settings.get_profile("shared machine"), max_examples=25)
settings.load_profile("shared machine")

# Engines and compilers are Go's, and live for a test or less: with rarer collections of garbage
# podman's steps need a tenth less of the CPU.
os.environ.setdefault("GOGC", "400")

UNIT = Path(__file__).with_name("unit")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, those of one engine share a worker, so that it is started once
    for all of them; else those of one file, beyond the unit tests, which share nothing.
    """
    for item in items:
        if not item.path.is_relative_to(UNIT):
            params = item.callspec.params if hasattr(item, "callspec") else {}
            name = params.get("bench", item.path.stem)
            item.add_marker(pytest.mark.xdist_group(name))


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
