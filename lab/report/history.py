"""Trends over runs as lines of text: small bars, and the runs where the trend changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.report import ratio_words
from lab.report.formatting import one_line
from lab.report.pivot import UNITS
from lab.results.history import Change, Series
from lab.results.pivot.fields import METRICS
from lab.results.stats.change_points import ENOUGH

BARS = "▁▂▃▄▅▆▇█"


def text(series: Sequence[Series], metric: str) -> str:
    """Every series with its changes."""
    unit = METRICS[metric].unit
    return "\n".join(line for one in series for line in _lines(one, unit)) + "\n"


def _lines(series: Series, unit: str) -> Iterator[str]:
    shown = UNITS[unit]
    medians = [point.median for point in series.points]
    yield f"{one_line(series.name, 160)}"
    low, high = min(medians), max(medians)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    bars = "".join(BARS[round((median - low) * scale)] for median in medians)
    yield f"  {bars}  {shown(medians[0])} -> {shown(medians[-1])}, runs: {len(medians)}"
    for change in series.changes:
        point = series.points[change.at]
        if change.ratio is None:
            size = f"{shown(change.before)} to {shown(change.after)} (of 0 there is no ratio)"
        else:
            words = ratio_words.BY_UNIT.get(unit, ratio_words.AMOUNT)
            size = f"{ratio_words.change(change.ratio, words)} ({_sure(change)})"
        yield f"  change at {point.run}: {size}, p = {change.p_value:.4f}"
        if change.beside:
            yield f"    new in that run: {one_line('; '.join(change.beside), 300)}"
    if len(series.points) < ENOUGH:
        yield f"  too few runs to tell a change from chance: it takes {ENOUGH}"
    elif series.drift is not None:
        yield "  no change of level: it drifts from run to run"
    elif not series.changes:
        yield "  no change that stands out from chance"


def _sure(change: Change) -> str:
    if change.ratio is None or change.interval is None:
        return "no interval: too few runs"
    return f"95 %: {ratio_words.span(change.ratio, change.interval)}"
