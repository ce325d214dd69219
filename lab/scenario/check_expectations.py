"""Checks of what a scenario expects, and of its baseline, against what it has: its phases, its axes
and their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lab.scenario.axes import axis_values
from lab.scenario.finding import Finding, items, mapping, texts
from lab.scenario.yaml_source import Location


def findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Every mistake in the expectations and the baseline that one field alone does not show."""
    yield from _baseline(data)
    axes = axis_values(data)
    phases = texts(items(data, "phases"))
    for index, entry in enumerate(items(data, "expect")):
        if not isinstance(entry, dict):
            continue
        here: Location = ("expect", index)
        after = entry.get("after")
        if isinstance(after, str) and after not in phases:
            yield Finding(
                location=(*here, "after"),
                found=f"the phase {after!r}",
                expected=f"one of this scenario's phases: {', '.join(phases)}",
                known=phases,
                typed=after,
            )
        yield from _claims(entry, here)
        for axis, value in mapping(entry, "where").items():
            if axis not in axes:
                yield Finding(
                    location=(*here, "where", axis),
                    found=f"the axis {axis!r}",
                    expected=f"one of {', '.join(axes)}",
                    known=tuple(axes),
                    typed=axis,
                    at_key=True,
                )
            elif isinstance(value, str) and value not in axes[axis]:
                yield Finding(
                    location=(*here, "where", axis),
                    found=f"the {axis} {value!r}",
                    expected=f"one of this scenario's: {', '.join(axes[axis])}",
                    known=axes[axis],
                    typed=value,
                )


def _baseline(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Ratios are to a value of an axis that has another one too."""
    named = data.get("baseline")
    varied = [values for values in axis_values(data).values() if len(values) > 1]
    known = tuple(dict.fromkeys(value for values in varied for value in values))
    if isinstance(named, str) and named not in known:
        yield Finding(
            location=("baseline",),
            found=f"{named!r}",
            expected=f"a value of an axis that has several: {', '.join(known) or 'there is none'}",
            known=known,
            typed=named,
        )


def _claims(entry: Mapping[str, Any], here: Location) -> Iterator[Finding]:
    if ("steps" in entry) != ("outcome" in entry):
        given, other = ("steps", "outcome") if "steps" in entry else ("outcome", "steps")
        yield Finding(location=here, found=f"{given} without {other}", expected="both or neither")
    bounds = [key for key in ("hit_rate", "median_wall", "time_saved") if key in entry]
    if not bounds and not {"steps", "outcome"} & set(entry):
        yield Finding(
            location=here,
            found="an expectation that claims nothing",
            expected="steps and outcome, hit_rate, median_wall or time_saved",
        )
    for key in bounds:
        bound = entry[key]
        if isinstance(bound, dict) and not bound:
            yield Finding(
                location=(*here, key), found="no limit", expected="at_least, at_most or both"
            )
