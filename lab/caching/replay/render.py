"""A replay's totals as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lab.caching.replay.history import HistoryTotal
from lab.model import units

SHOWN = 8
NAME = 40


def lines(totals: Sequence[HistoryTotal]) -> Iterator[str]:
    """Each Dockerfile's totals, then the steps that burn the most."""
    for one in totals:
        yield f"{one.name}: {units.counted(one.commits, 'commit')} replayed"
        if one.passed:
            yield (
                f"  passed over: {units.counted(one.passed, 'commit')}, for a Dockerfile or an "
                "ignore file that cannot be read"
            )
        each = one.seconds / one.commits / 60 if one.commits and _timed(one) else None
        week = None if one.per_week is None or not _timed(one) else one.per_week / 60
        times = "" if each is None else f", {each:.3g} min a commit"
        times += "" if week is None else f", {week:.3g} min a week"
        yield f"  hit rate {units.percent(one.hit_rate)}{times}"
        ordered = sorted(
            one.steps.items(), key=lambda item: (-(item[1].seconds or 0.0), -item[1].misses)
        )
        for text, total in ordered[:SHOWN]:
            name = text if len(text) <= NAME else f"{text[: NAME - 1]}…"
            cost = units.seconds(total.seconds)
            yield f"    {name:{NAME}} {total.misses:>6} ran {total.hits:>6} hit {cost:>12}"
        if one.unpriced:
            yield (
                f"  {units.counted(len(one.unpriced), 'step')} without a measured time: "
                "name a run with --run, or state --price"
            )


def _timed(one: HistoryTotal) -> bool:
    return any(total.seconds is not None for total in one.steps.values())


def as_json(one: HistoryTotal) -> dict[str, Any]:
    """The same for programs; seconds."""
    timed = _timed(one)
    return {
        "name": one.name,
        "commits": one.commits,
        "passed_over": one.passed,
        "hit_rate": one.hit_rate,
        "seconds": one.seconds if timed else None,
        "seconds_per_commit": one.seconds / one.commits if timed and one.commits else None,
        "seconds_per_week": one.per_week if timed else None,
        "steps": {
            text: {"hits": total.hits, "misses": total.misses, "seconds": total.seconds}
            for text, total in one.steps.items()
        },
        "unpriced": list(one.unpriced),
    }
