"""CPU seconds of each test: its own process, the programs that it ran, and the private engines.

On a machine that others use they say what a test costs, where its duration says who else was there.
Run: ``python -m pytest -p benchmarks.test_cpu tests/contract/test_truth.py -k docker``.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from lab.engines import private

_engines: list[private.Private] = []
_spent: list[tuple[float, float, str]] = []
_start = private.start


def _remembered(*args: Any, **options: Any) -> private.Private:
    _engines.append(_start(*args, **options))
    return _engines[-1]


private.start = _remembered


def _of_engines() -> float:
    used = [engine.usage() for engine in _engines]
    return sum(one.cpu_s or 0.0 for one in used if one is not None)


def _own() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """What the call adds: an engine that a session starts is no one test's."""
    engines, own = _of_engines(), _own()
    try:
        return (yield)
    finally:
        _spent.append((_of_engines() - engines, _own() - own, item.nodeid))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The dearest first."""
    terminalreporter.section("CPU seconds: engines, own, test")
    for engines, own, name in sorted(_spent, key=lambda one: one[0] + one[1], reverse=True)[:40]:
        terminalreporter.line(f"{engines:7.1f} {own:7.1f}  {name}")
