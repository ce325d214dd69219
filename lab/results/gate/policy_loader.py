"""Policy text -> Policy: YAML, the checks of each field, those between fields, the values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from lab.results.gate.policy import GO_UNITS, UNITS, Kind, Metric, Policy, Rule
from lab.results.gate.policy_file import PolicyFile, RuleEntry
from lab.scenario.finding import Finding, items
from lab.scenario.yaml_file import Format

KINDS: tuple[Kind, ...] = get_args(Kind)
_OWN_KEYS = {"steps": "step", "benchmarks": "go_benchmark", "unit": "go_benchmark"}
_NUMBER = re.compile(r"([+-]?)([0-9.]+) ?(.*)")
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "seconds": {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600},
    "bytes": {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 2**20, "GiB": 2**30},
    "share": {"points": 0.01, "point": 0.01, "%": 0.01},
}
_EXAMPLES = {"seconds": "3s", "bytes": "1.2GB", "share": "0.5 points", "plain": "1200"}


def load(path: Path) -> Policy:
    """Read a policy file. Raises InputError with every mistake and its place."""
    file = FORMAT.load(path)
    parsed = file.parsed
    return Policy(
        name=parsed.name,
        rules=tuple(
            _rule(entry, parsed.certainty, file.line(("rules", index)))
            for index, entry in enumerate(parsed.rules)
        ),
        cannot_tell=parsed.cannot_tell,
        degraded=parsed.degraded,
        unmeasured=parsed.unmeasured,
        other=frozenset(parsed.allow_other),
    )


def _findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The mistakes that one field alone does not show."""
    for index, entry in enumerate(items(data, "rules")):
        if not isinstance(entry, dict):
            continue
        metric = next((one for one in UNITS if one == entry.get("metric")), None)
        given = [kind for kind in KINDS if entry.get(kind) is not None]
        if len(given) != 1:
            yield Finding(
                location=("rules", index),
                found=" and ".join(given) if given else "no change that matters",
                expected=f"exactly one of {', '.join(KINDS)}",
            )
        if metric is None:
            continue  # the field's own check says so
        for key, owner in _OWN_KEYS.items():
            if key in entry and owner != metric:
                yield Finding(
                    location=("rules", index, key),
                    found=f"{key} in a rule about {metric}",
                    expected=f"it only with metric: {owner}",
                    at_key=True,
                )
        for kind in given:
            yield from _amount(entry, metric, kind, index)


def _amount(entry: Mapping[str, Any], metric: Metric, kind: Kind, index: int) -> Iterator[Finding]:
    """What is wrong with a change that matters: its unit, its sign, its size."""
    text = entry[kind]
    match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2].count(".") > 1 or match[2] in {".", ""}:
        return  # the field's own check says so
    location = ("rules", index, kind)
    sign, number, unit = match[1], float(match[2]), match[3]
    unit_kind = UNITS[metric]
    if kind != "relative" and not (unit in _FACTORS[unit_kind] if unit_kind in _FACTORS else True):
        yield Finding(
            location=location,
            found=f"{text!r} for {metric}",
            expected=f"{unit_kind} such as {_EXAMPLES[unit_kind]}",
            known=tuple(_FACTORS[unit_kind]),
            typed=unit,
        )
    rising = _rule_of(metric, entry, sign).more_is_better
    wrong = "+" if rising else "-"
    if sign == wrong or (kind == "limit" and sign == "-"):
        direction = "fall" if rising else "rise"
        yield Finding(
            location=location,
            found=f"{text!r}, where only a {direction} of {metric} is worse",
            expected=f"the size of that {direction}, or its sign: {'-' if rising else '+'}",
        )
    if kind == "relative" and rising and number >= 100:
        yield Finding(
            location=location, found=f"a fall of {text}", expected="less than 100 per cent"
        )


def _rule_of(metric: Metric, entry: Mapping[str, Any], sign: str) -> Rule:
    given = entry.get("unit")
    unit = given if isinstance(given, str) else "throughput"
    falling = _falling(metric, unit, sign)
    return Rule(
        metric=metric, kind="relative", amount=0, certainty=0.95, unit=unit, falling=falling
    )


def _falling(metric: Metric, unit: str, sign: str) -> bool:
    """Whether a sign says that a fall of a benchmark's own unit is worse."""
    own = metric == "go_benchmark" and unit not in GO_UNITS and not unit.endswith("/s")
    return own and sign == "-"


def _rule(entry: RuleEntry, certainty: float, line: int) -> Rule:
    kind = next(kind for kind in KINDS if getattr(entry, kind) is not None)
    text = {"relative": entry.relative, "absolute": entry.absolute, "limit": entry.limit}[kind]
    match = _NUMBER.fullmatch(text or "")
    if match is None:
        raise AssertionError(f"checked before: {text!r}")
    factors = {"%": 0.01} if kind == "relative" else _FACTORS.get(UNITS[entry.metric], {})
    return Rule(
        metric=entry.metric,
        kind=kind,
        amount=float(match[2]) * factors.get(match[3], 1.0),
        certainty=certainty if entry.certainty is None else entry.certainty,
        where=entry.where,
        after=entry.after,
        steps=entry.steps or "*",
        benchmarks=entry.benchmarks or "*",
        unit=entry.unit or "throughput",
        falling=_falling(entry.metric, entry.unit or "throughput", match[1]),
        line=line,
    )


FORMAT = Format(
    what="policy",
    schema=PolicyFile,
    findings=_findings,
    help="docs/gate.md has every field",
    example="name a policy file; those that the lab ships lie in policies/",
)
