"""Trends over runs as lines of text: small bars, and the runs where the trend changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from lab.model.text_wrap import width, wrapped
from lab.report import ratio_words
from lab.report.formatting import one_line
from lab.report.pivot import UNITS
from lab.results.history import Change, Point, Series
from lab.results.pivot.fields import METRICS
from lab.results.stats.change_points import ENOUGH

BARS = "▁▂▃▄▅▆▇█"


def text(series: Sequence[Series], metric: str) -> str:
    """Every series with its changes, in 80 columns."""
    unit = METRICS[metric].unit
    return "".join(f"{line}\n" for one in series for line in _lines(one, unit))


def _lines(series: Series, unit: str) -> Iterator[str]:
    points = series.points
    shown = UNITS[unit]
    yield from wrapped(one_line(series.name, 160))
    bars, size = _bars([point.median for point in points])
    yield f"  {bars}"
    line = f"  {_levels(series, shown)}, runs: {len(points)}"
    days = [one_line(point.started[:10], 10) for point in (points[0], points[-1])]
    line += f", {days[0]}" if days[0] == days[1] else f", {' to '.join(days)}"
    yield from wrapped(line + (f", {size} a bar" if size > 1 else ""))
    for line in _said(series, unit):
        yield from wrapped(line)


def _levels(series: Series, shown: Callable[[float], str]) -> str:
    """The medians of the stretches between changes; where nothing changed, with the whole range."""
    medians = [point.median for point in series.points]
    if series.drift is not None:
        return f"{shown(medians[0])} -> {shown(medians[-1])}"
    ends = [0, *(change.at for change in series.changes), len(medians)]
    levels = [shown(median(medians[one:end])) for one, end in pairwise(ends)]
    if len(levels) > 1 or len(medians) == 1:
        return " -> ".join(levels)
    return f"{levels[0]} ({shown(min(medians))} to {shown(max(medians))})"


def _bars(medians: Sequence[float]) -> tuple[str, int]:
    """A bar for each run, or for so many that they fill no more than a line."""
    size = -(-len(medians) // (width() - 4))
    values = [median(medians[at : at + size]) for at in range(0, len(medians), size)]
    low, high = min(values), max(values)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in values), size


def _said(series: Series, unit: str) -> Iterator[str]:
    shown = UNITS[unit]
    for change in series.changes:
        point = series.points[change.at]
        if change.ratio is None:
            size = f"{shown(change.before)} to {shown(change.after)} (of 0 there is no ratio)"
        else:
            words = ratio_words.BY_UNIT.get(unit, ratio_words.AMOUNT)
            size = ratio_words.change(change.ratio, words)
        yield f"  change at {one_line(point.run, 160)}: {size}"
        chance = "p < 0.0001" if change.p_value < 0.0001 else f"p = {change.p_value:.4f}"
        yield f"    {_sure(change)}; {chance}"
        if commits := between(series.points[change.at - 1], point):
            yield f"    {commits}"
        runs = " ".join(
            one_line(one.run, 160) for one in series.points[change.at - 1 : change.at + 1]
        )
        yield f"    next: lab compare {runs} --rows step --cols run"
        if change.beside:
            yield f"    new in that run: {one_line('; '.join(change.beside), 300)}"
    if len(series.points) < ENOUGH:
        yield f"  too few runs to tell a change from chance: it takes {ENOUGH}"
    elif series.drift is not None:
        yield "  no change of level: it drifts from run to run"
    elif not series.changes:
        yield "  no change that stands out from chance"


def between(before: Point, after: Point) -> str:
    """The commits that a change lies between; empty where they are not known."""
    if after.commit is None or before.commit is None:
        return f"at commit {_named(after)}" if after.commit else ""
    if (before.commit, before.dirty) == (after.commit, after.dirty):
        return f"both runs are of commit {_named(after)}"
    if before.branch == after.branch:
        return f"between commits {before.short} and {_named(after)}"
    return f"between commits {_named(before)} and {_named(after)}"


def _named(point: Point) -> str:
    branch = f" ({one_line(point.branch, 80)})" if point.branch else ""
    return one_line(f"{point.short}{branch}", 120)


def _sure(change: Change) -> str:
    if change.ratio is None or change.interval is None:
        return "no interval: too few runs"
    return f"95 %: {ratio_words.span(change.ratio, change.interval)}"
