"""A run's figures as OpenTelemetry's gauges. Pure.

They are those of `/metrics`, named so that a collector which hands them to Prometheus makes the
same series of them (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/):
rules and dashboards are good for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lab.report.otlp.spans import nanoseconds
from lab.report.tool_formats import families
from lab.results.runs import StoredRun

_UNITS = {"_seconds": "s", "_bytes": "By", "_ratio": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value of a gauge. ``at`` is in nanoseconds since 1970: when the run ended."""

    name: str
    unit: str
    said: str
    attributes: Mapping[str, str]
    value: float
    at: int


def figures(stored: StoredRun) -> Iterator[Figure]:
    """The gauges of one run, each family's values one after the other."""
    at = nanoseconds(stored.run.finished or stored.run.started)
    for name, said, values in families([stored]):
        unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
        short = name.removesuffix(f"_{name.rpartition('_')[2]}") if unit else name
        for labels, value in values.items():
            yield Figure(
                name=short.replace("_", ".", 2 if short.startswith("lab_build_") else 1),
                unit=unit,
                said=said,
                attributes=dict(labels),
                value=value,
                at=at,
            )
