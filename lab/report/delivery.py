"""Delivery figures as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from lab.model import units
from lab.model.units import MISSING, counted
from lab.report.formatting import one_line
from lab.results.delivery import DAY, Delivery, Figure

DEFINITIONS = {
    "frequency": "deployments a week",
    "lead_s": "from the writing of a commit to the deployment that first has it; no merges",
    "failure_rate": "deployments that a later one reverts (git's 'This reverts commit'), or whose "
    "next one brings a commit named revert, rollback or hotfix",
    "recovery_s": "from such a deployment to the one that mends it",
    "building_s": "the runs of one commit in the results folder, from their start to their end",
    "building_share": "those seconds as a share of the commit's lead time",
}


def text(found: Delivery, what: str) -> str:
    """The figures with their intervals, and what counts as what."""
    return "\n".join(_lines(found, what)) + "\n"


def as_json(found: Delivery) -> dict[str, Any]:
    """For programs."""
    return asdict(found) | {"definitions": DEFINITIONS}


def _lines(found: Delivery, what: str) -> Iterator[str]:
    since, until = (datetime.fromtimestamp(at, UTC).date() for at in (found.since, found.until))
    yield f"{since} to {until}: {counted(len(found.deployments), 'deployment')} ({what})"
    shown: tuple[tuple[str, str, Figure, Callable[[float], str]], ...] = (
        ("frequency", "deployments a week", found.frequency, lambda value: f"{value:.2g}"),
        ("lead_s", "lead time", found.lead_s, _span),
        ("failure_rate", "failure rate", found.failure_rate, units.percent),
        ("recovery_s", "recovery time", found.recovery_s, _span),
        ("building_s", "building", found.building_s, _span),
        ("building_share", "of the lead time", found.building_share, lambda value: f"{value:.2%}"),
    )
    for name, called, figure, form in shown:
        yield f"  {called:<20}{_figure(figure, form)}"
        yield f"    {DEFINITIONS[name]}"
    for name, fix in found.failed:
        mended = "not mended by then" if fix is None else f"mended by {one_line(fix, 60)}"
        yield f"  failed: {one_line(name, 60)}, {mended}"


def _figure(figure: Figure, form: Callable[[float], str]) -> str:
    if figure.value is None:
        return f"{MISSING} (no case)"
    if figure.interval is None:
        return f"{form(figure.value)} (of {figure.count}: too few for an interval)"
    low, high = map(form, figure.interval)
    return f"{form(figure.value)} (95 %: {low} to {high}; of {figure.count})"


def _span(seconds: float) -> str:
    """A time of hours or days, as people say it."""
    for unit, length in (("d", DAY), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
