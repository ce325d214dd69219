"""`lab history`: the runs of a results folder over time, with the points where a trend changed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from lab.verbs import arguments
from lab.verbs.output import print_json, print_text

if TYPE_CHECKING:
    from lab.history import Series

BARS = "▁▂▃▄▅▆▇█"


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--scenario", metavar="NAME", help="only runs of this scenario")
    verb.add_argument("--metric", default="wall", metavar="M", help="default: wall")
    verb.add_argument("--json", action="store_true", help="print the series as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Show every series of the runs."""
    from lab import history as histories
    from lab.pivot_fields import METRICS

    found = histories.history(options.results, scenario=options.scenario, metric=options.metric)
    if options.json:
        print_json({"metric": options.metric, "series": [asdict(one) for one in found]})
    else:
        unit = METRICS[options.metric].unit
        print_text("\n".join(line for one in found for line in _lines(one, unit)) + "\n")
    return 0


def _lines(series: Series, unit: str) -> Iterator[str]:
    from lab.report.pivoted import UNITS
    from lab.report.words import one_line

    shown = UNITS[unit]
    medians = [point.median for point in series.points]
    yield f"{one_line(series.name, 160)}"
    low, high = min(medians), max(medians)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    bars = "".join(BARS[round((median - low) * scale)] for median in medians)
    yield f"  {bars}  {shown(medians[0])} -> {shown(medians[-1])}, runs: {len(medians)}"
    for change in series.changes:
        point = series.points[change.at]
        held = (
            "no interval: too few runs"
            if change.interval is None
            else " to ".join(f"{(end - 1) * 100:+.1f} %" for end in change.interval)
        )
        yield (
            f"  change at {point.run}: {(change.ratio - 1) * 100:+.1f} % ({held}), "
            f"p = {change.p_value:.4f}"
        )
        if change.beside:
            yield f"    new in that run: {one_line('; '.join(change.beside), 300)}"
    if not series.changes:
        yield "  no change that could be told from chance"
