"""What an experiment gives: samples, facts, and what could not be measured here and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.model import units
from lab.model.errors import InputError
from lab.model.text_wrap import wrapped
from lab.results import stats

Unit = Literal["s", "bytes", "count", "share"]
Fact = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples of one quantity, in the order they were taken."""

    samples: tuple[float, ...]
    unit: Unit = "s"

    def shown(self, value: float | None) -> str:
        """A value of this quantity in human units."""
        if value is None:
            return units.MISSING
        if self.unit == "s":
            return seconds(value)
        if self.unit == "bytes":
            return units.size(round(value))
        return units.percent(value) if self.unit == "share" else f"{value:,.10g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``missing`` names what could not be measured on this host, with the reason."""

    experiment: str
    settings: Mapping[str, Any]
    series: Mapping[str, Series] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The outcome as it is stored: raw samples, nothing derived."""
        return {
            "experiment": self.experiment,
            "settings": dict(self.settings),
            "series": {
                name: {"unit": one.unit, "samples": list(one.samples)}
                for name, one in self.series.items()
            },
            "facts": dict(self.facts),
            "missing": dict(self.missing),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Outcome:
        """What ``to_json`` wrote. Raises InputError where it is something else."""
        try:
            return cls(
                experiment=str(stored["experiment"]),
                settings=dict(stored["settings"]),
                series={
                    name: Series(unit=one["unit"], samples=tuple(map(float, one["samples"])))
                    for name, one in stored["series"].items()
                },
                facts=dict(stored["facts"]),
                missing=dict(stored["missing"]),
                notes=tuple(stored["notes"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"a stored outcome cannot be read: {error!r}", remedy="run the experiment again"
            ) from error


def table(outcome: Outcome) -> list[Sequence[str]]:
    """Rows of an outcome: name, count, median, its interval, quartiles, range, 99 of 100."""
    rows: list[Sequence[str]] = [
        ("what", "n", "median", "95 % interval", "quartiles", "range", "99th of 100")
    ]
    for name, one in outcome.series.items():
        short = stats.summary(one.samples)
        if short is None:
            continue
        late = stats.quantile(sorted(one.samples), 0.99) if short.count >= 100 else None
        rows.append(
            (
                name,
                str(short.count),
                one.shown(short.median),
                _between(one, short.interval),
                _between(one, (short.lower_quartile, short.upper_quartile)),
                _between(one, (short.low, short.high)),
                one.shown(late),
            )
        )
    return rows


def text(outcome: Outcome) -> str:
    """An outcome for a terminal of 80 columns: series below what their names begin with."""
    lines: list[str] = []
    above = None
    for name, one in outcome.series.items():
        short = stats.summary(one.samples)
        if short is None:
            continue
        group, _, label = name.rpartition("/")
        if group != above:
            lines += wrapped(group)
            above = group
        lines += _spread(one, short, f"  {label}" if group else label)
    for of, value in outcome.facts.items():
        lines += wrapped(f"{of}: {value}")
    for of, why in outcome.missing.items():
        lines += wrapped(f"{of}: not measured here: {why}")
    for note in outcome.notes:
        lines += wrapped(f"note: {note}")
    return "\n".join(lines)


def _spread(one: Series, short: stats.Summary, label: str) -> list[str]:
    """The median and how sure it is; below it the spread, where there is any."""
    if short.low == short.high:
        times = "once" if short.count == 1 else f"{short.count} times"
        return wrapped(f"{label:<26} {one.shown(short.median):>9}  {times}")
    sure = f"({_between(one, short.interval)})" if short.interval else "(too few for an interval)"
    lines = wrapped(f"{label:<26} {one.shown(short.median):>9}  {sure}  n {short.count}")
    late = stats.quantile(sorted(one.samples), 0.99) if short.count >= 100 else None
    parts = [
        one.shown(short.low),
        f"quartiles {_between(one, (short.lower_quartile, short.upper_quartile))}",
        *([f"99 of 100 {one.shown(late)}"] if late is not None else []),
        one.shown(short.high),
    ]
    return lines + wrapped(f"      {' .. '.join(parts)}")


def seconds(value: float) -> str:
    """Seconds down to nanoseconds: a system call lasts less than units.seconds can show well."""
    if 0 < value < 1e-3:
        return f"{value * 1e6:.3g} µs"
    return units.seconds(value)


def _between(one: Series, ends: tuple[float, float] | None) -> str:
    return units.MISSING if ends is None else " to ".join(one.shown(end) for end in ends)
