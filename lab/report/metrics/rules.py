"""Prometheus' rules out of a gate's policy, and unit tests of them for promtool.

What they alert on is the last run of a scenario and branch against what it usually is, the median
of two weeks: a reason to look, not a verdict, which `lab gate` gives. Both files are written as
JSON, which is YAML.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.results.gate.policy import Metric, Policy, Rule

SERIES: Mapping[Metric, str] = {
    "wall": "lab_build_wall_seconds",
    "cpu": "lab_build_cpu_seconds",
    "hit_rate": "lab_build_hit_ratio",
    "image_size": "lab_build_image_bytes",
    "peak_memory": "lab_build_peak_memory_bytes",
}
USUAL = "2w"
_TESTED = {"scenario": "tried", "branch": "main", "engine": "docker", "phase": "cold"}


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: of ``series``, when it is beyond ``bound``, said as an expression."""

    name: str
    rule: Rule
    series: str
    matchers: str
    expression: str

    @property
    def sign(self) -> str:
        """Which way is worse."""
        return "<" if self.rule.more_is_better else ">"


def alerts(policy: Policy) -> list[Alert]:
    """The alerts of a policy's rules about series that are exported; the others have none."""
    found, taken = [], set()
    for rule in policy.rules:
        series = SERIES.get(rule.metric)
        if series is None:
            continue
        name = base = f"Lab{''.join(word.title() for word in rule.metric.split('_'))}Worse"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}{number}"
        taken.add(name)
        matchers = _matchers(rule)
        found.append(Alert(name, rule, series, matchers, _expression(rule, series + matchers)))
    return found


def left_out(policy: Policy) -> list[str]:
    """The metrics of rules that no alert can be made of."""
    return sorted({rule.metric for rule in policy.rules if rule.metric not in SERIES})


def rules(policy: Policy) -> str:
    """The rules' file."""
    made: list[dict[str, Any]] = [_rule(alert) for alert in alerts(policy)]
    made.append(
        {
            "alert": "LabBuildsFailed",
            "expr": "lab_builds_failed > 0",
            "labels": {"severity": "warning"},
            "annotations": {
                "summary": "{{ $value }} builds of {{ $labels.scenario }} failed "
                "({{ $labels.engine }}, {{ $labels.phase }}, {{ $labels.branch }})",
                "description": "lab diagnose latest",
            },
        }
    )
    return _text({"groups": [{"name": f"lab-{policy.name}", "rules": made}]})


def tests(policy: Policy, rules_file: str) -> str:
    """Unit tests of these rules: each is silent just inside its bound and fires just beyond."""
    made = [_test(alert, inside=inside) for alert in alerts(policy) for inside in (True, False)]
    return _text({"rule_files": [rules_file], "evaluation_interval": "1m", "tests": made})


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _rule(alert: Alert) -> dict[str, Any]:
    rule = alert.rule
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "labels": {"severity": "warning", "metric": rule.metric},
        "annotations": {
            "summary": f"{rule.metric.replace('_', ' ')} of {{{{ $labels.scenario }}}} is "
            f"{{{{ $value | humanize }}}} ({{{{ $labels.engine }}}}, {{{{ $labels.phase }}}}, "
            "{{ $labels.branch }})",
            "description": f"beyond {_said(rule)}; lab diagnose latest says where it comes from",
        },
    }


def _said(rule: Rule) -> str:
    if rule.kind == "limit":
        return f"the policy's limit of {rule.amount:g}"
    change = f"{rule.amount:.0%}" if rule.kind == "relative" else f"{rule.amount:g}"
    return f"what it usually was in {USUAL} by more than {change}"


def _expression(rule: Rule, selected: str) -> str:
    sign = "<" if rule.more_is_better else ">"
    return f"{selected} {sign} {_bound(rule, f'quantile_over_time(0.5, {selected}[{USUAL}])')}"


def _bound(rule: Rule, usual: str) -> str:
    amount = abs(rule.amount)
    if rule.kind == "limit":
        return f"{rule.amount:g}"
    if rule.kind == "absolute":
        return f"{usual} {'-' if rule.more_is_better else '+'} {amount:g}"
    return f"{1 - amount if rule.more_is_better else 1 + amount:g} * {usual}"


def _matchers(rule: Rule) -> str:
    parts = [f"{_label(axis)}={json.dumps(value)}" for axis, value in rule.where.items()]
    if rule.after != "*":
        pattern = fnmatch.translate(rule.after).removeprefix("(?s:").removesuffix(r")\Z")
        parts.append(f"phase=~{json.dumps(pattern)}")
    return "{" + ",".join(parts) + "}" if parts else ""


def _label(axis: str) -> str:
    """An axis as `lab.report.tool_formats` names its label."""
    safe = re.sub(r"[^a-zA-Z0-9_]", "_", axis)
    return f"_{safe}" if safe[:1].isdigit() else safe


def _test(alert: Alert, *, inside: bool) -> dict[str, Any]:
    labels = dict(_labels(alert.rule))
    values = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
    usual, bound = _figures(alert.rule)
    last = bound * (1.001 if inside is (alert.rule.more_is_better) else 0.999)
    firing = {
        "exp_labels": {**labels, "severity": "warning", "metric": alert.rule.metric},
        "exp_annotations": _annotations(alert, labels, last),
    }
    return {
        "interval": "1m",
        "input_series": [
            {"series": f"{alert.series}{{{values}}}", "values": f"{usual:g}x30 {last!r}"}
        ],
        "alert_rule_test": [
            {
                "eval_time": "31m",
                "alertname": alert.name,
                "exp_alerts": [] if inside else [firing],
            }
        ],
    }


def _annotations(alert: Alert, labels: Mapping[str, str], value: float) -> dict[str, str]:
    """What the rule's templates become; promtool compares them too."""
    made: dict[str, str] = _rule(alert)["annotations"]
    shown = {"{{ $value | humanize }}": humanize(value)}
    shown |= {f"{{{{ $labels.{name} }}}}": text for name, text in labels.items()}
    summary = made["summary"]
    for template, text in shown.items():
        summary = summary.replace(template, text)
    return made | {"summary": summary}


def humanize(value: float) -> str:
    """A number as Prometheus' template function of this name writes it."""
    prefixes = "kMGTPEZY"
    if value == 0 or 1 <= abs(value) < 1000:
        return f"{value:.4g}"
    if abs(value) >= 1000:
        place = 0
        while abs(value) >= 1000 and place < len(prefixes):
            value, place = value / 1000, place + 1
        return f"{value:.4g}{prefixes[place - 1]}"
    place, small = 0, "mµnpfazy"
    while abs(value) < 1 and place < len(small):
        value, place = value * 1000, place + 1
    return f"{value:.4g}{small[place - 1]}"


def _labels(rule: Rule) -> Iterator[tuple[str, str]]:
    """A series that the rule is about."""
    where = {_label(axis): value for axis, value in rule.where.items()}
    phase = rule.after.replace("*", "").replace("?", "a") or "cold"
    yield from ({**_TESTED, "phase": phase} | where).items()


def _figures(rule: Rule) -> tuple[float, float]:
    """A usual figure, and the bound that follows from it."""
    amount = abs(rule.amount)
    if rule.kind == "limit":
        return rule.amount, rule.amount
    usual = 0.5 if rule.metric == "hit_rate" else max(10.0, 4 * amount)
    by = usual * amount if rule.kind == "relative" else amount
    return usual, usual - by if rule.more_is_better else usual + by
