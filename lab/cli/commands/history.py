"""`lab history`: the runs of a results folder over time, with the points where a trend changed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, print_text

if TYPE_CHECKING:
    from lab.results.history import Series

BARS = "▁▂▃▄▅▆▇█"


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--scenario", metavar="NAME", help="only runs of this scenario")
    verb.add_argument("--metric", default="wall", metavar="M", help="default: wall")
    verb.add_argument("--json", action="store_true", help="print the series as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Show every series of the runs."""
    from lab.results import history as histories
    from lab.results.pivot.fields import METRICS

    found = histories.history(options.results, scenario=options.scenario, metric=options.metric)
    if options.json:
        print_json({"metric": options.metric, "series": [asdict(one) for one in found]})
    else:
        unit = METRICS[options.metric].unit
        print_text("\n".join(line for one in found for line in _lines(one, unit)) + "\n")
    return 0


def _lines(series: Series, unit: str) -> Iterator[str]:
    from lab.report.formatting import one_line
    from lab.report.pivot import UNITS
    from lab.results.history import ENOUGH

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
            size = f"{_percent(change.ratio)} ({_held(change.interval)})"
        yield f"  change at {point.run}: {size}, p = {change.p_value:.4f}"
        if change.beside:
            yield f"    new in that run: {one_line('; '.join(change.beside), 300)}"
    if len(series.points) < ENOUGH:
        yield f"  too few runs to tell a change from chance: it takes {ENOUGH}"
    elif not series.changes:
        yield "  no change that could be told from chance"


def _held(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "no interval: too few runs"
    return " to ".join(map(_percent, interval))


def _percent(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"
