"""A private daemon's loopback is its own: it is told another address of this host."""

from __future__ import annotations

import pytest

from lab.engines.telemetry import reachable


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:4318", "http://10.0.2.2:4318"),
        ("http://localhost:4318/v1/traces", "http://10.0.2.2:4318/v1/traces"),
        ("http://[::1]", "http://10.0.2.2"),
        ("http://collector:4318", None),
        ("http://127.0.0.1.example:4318", None),
        ("http://localhost.example", None),
    ],
)
def test_only_addresses_of_this_host_are_changed(address: str, told: str | None) -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert reachable({name: address, "OTHER": address}).get(name) == told


def test_a_daemon_sends_before_it_is_stopped_unless_told_otherwise() -> None:
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert reachable(named) == {"OTEL_BSP_SCHEDULE_DELAY": "20"}
    assert reachable({**named, "OTEL_BSP_SCHEDULE_DELAY": "7"}) == {}
    assert reachable({}) == {}
