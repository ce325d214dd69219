"""A Grafana dashboard of what the lab exports, as JSON for its import (Dashboards, New, Import).

Its model: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from typing import Any

_SELECTED = '{scenario=~"$scenario",branch=~"$branch",engine=~"$engine"}'
_LEGEND = "{{branch}} {{engine}} {{base}} {{phase}}"
_PANELS = (
    ("Wall time", f"lab_build_wall_seconds{_SELECTED}", "s", "Median of the last run's rounds."),
    ("CPU time", f"lab_build_cpu_seconds{_SELECTED}", "s", "Of the engine and all steps."),
    ("Hit rate", f"lab_build_hit_ratio{_SELECTED}", "percentunit", "hits / (hits + misses)"),
    ("Image size", f"lab_build_image_bytes{_SELECTED}", "bytes", "Of the last build."),
    ("Peak memory", f"lab_build_peak_memory_bytes{_SELECTED}", "bytes", "Of engine and steps."),
    ("Failed builds", f"lab_builds_failed{_SELECTED}", "short", "Of the last run."),
    (
        "Age of the last run",
        f"time() - lab_run_start_timestamp_seconds{_SELECTED}",
        "s",
        "A series that stands still is no news: nothing was built.",
    ),
)


def dashboard() -> str:
    """The dashboard's JSON; the data source is asked at its import."""
    return json.dumps(_model(), indent=2) + "\n"


def _model() -> dict[str, Any]:
    return {
        "__inputs": [
            {
                "name": "DS_PROMETHEUS",
                "label": "Prometheus",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "uid": "imagelab-builds",
        "title": "Image builds",
        "tags": ["imagelab"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-14d", "to": "now"},
        "templating": {"list": [_variable(name) for name in ("scenario", "branch", "engine")]},
        "annotations": {"list": []},
        "links": [],
        "panels": [_panel(number, *panel) for number, panel in enumerate(_PANELS)],
    }


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}


def _variable(name: str) -> dict[str, Any]:
    query = f"label_values(lab_builds, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": _source(),
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # also what has no such label
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, title: str, expression: str, unit: str, about: str) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": about,
        "datasource": _source(),
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {
            "defaults": {"unit": unit, "min": 0, "custom": {"lineInterpolation": "stepAfter"}},
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": "A",
                "datasource": _source(),
                "expr": expression,
                "legendFormat": _LEGEND,
            }
        ],
    }
