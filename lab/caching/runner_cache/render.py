"""Which cache to give a CI job, as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.caching.measured.step_times import Spread, ranged
from lab.caching.runner_cache.choice import Choice, Priced
from lab.model import units
from lab.model.text_wrap import wrapped

_HEAD = ("cache", "a job", "steps", "beside them", "hit rate", "fetched", "sent")
_UNSURE = "the measured jobs of the two overlap: more rounds tell them apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A choice, where its figures are from, and the job that builds so."""

    choice: Choice
    engine: str
    run: str
    system: str
    job: str


def lines(told: Told) -> Iterator[str]:
    """What to take, the strategies side by side, and the job."""
    choice = told.choice
    take = choice.take
    if take is None:
        return
    yield from wrapped(_sentence(choice, take))
    yield from wrapped(
        f"{units.counted(take.commits, 'commit')} replayed, each on a fresh {told.engine} that "
        f"restores what the one before it left; times and bytes by run {told.run}"
    )
    yield ""
    rows = [_HEAD, *(_row(one) for one in choice.priced)]
    wide = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row in rows:
        cells = (text.ljust(size) for text, size in zip(row, wide, strict=True))
        yield "  " + "  ".join(cells).rstrip()
    yield ""
    if take.jobs_per_week is not None:
        for one in choice.priced:
            yield f"  {one.strategy}: {_week(one, take.jobs_per_week)}"
        yield ""
    if choice.unpriced:
        yield from wrapped(
            f"{units.counted(len(choice.unpriced), 'step')} ran in no build of that run, and "
            f"count as nothing: {'; '.join(text[:40] for text in choice.unpriced[:3])}"
        )
        yield ""
    yield f"the job, for {told.system}:"
    yield ""
    yield from told.job.splitlines()


def _sentence(choice: Choice, take: Priced) -> str:
    nothing = choice.nothing
    if nothing is take:
        return f"take no cache: {units.seconds(take.job_s)} a job, and none of those tried is less"
    said = f"take {take.strategy}: {units.seconds(take.job_s)} a job"
    if nothing is None:
        return f"{said}; that run built none without a cache to compare with"
    unsure = _overlap(take, nothing)
    return (
        f"{said}, against {units.seconds(nothing.job_s)} without a cache"
        f"{f'; {_UNSURE}' if unsure else ''}"
    )


def _overlap(one: Priced, other: Priced) -> bool:
    """Whether the worst of what was measured beside the steps of one is more than the other's best
    allows.
    """
    most = one.rebuilt_s + one.overhead.seconds.most
    return most > other.rebuilt_s + other.overhead.seconds.least


def _row(one: Priced) -> tuple[str, ...]:
    beside = one.overhead.seconds
    return (
        one.strategy,
        units.seconds(one.job_s),
        units.seconds(one.rebuilt_s),
        f"{units.seconds(beside.median)} ({ranged(beside, units.seconds)})",
        units.percent(one.hit_rate),
        _size(one.overhead.down_bytes),
        _size(one.overhead.up_bytes),
    )


def _week(one: Priced, jobs: float) -> str:
    money = "" if one.money is None else f", for {one.money * jobs:.2f}"
    return (
        f"{units.seconds(one.job_s * jobs)} and {units.size(round(one.moved_bytes * jobs))} a week"
        f"{money} ({jobs:.0f} jobs)"
    )


def _size(found: Spread | None) -> str:
    return units.MISSING if found is None else units.size(round(found.median))


def as_json(told: Told) -> dict[str, Any]:
    """The same for programs; seconds and bytes."""
    take = told.choice.take
    return {
        "take": None if take is None else take.strategy,
        "engine": told.engine,
        "run": told.run,
        "strategies": [
            {
                "strategy": one.strategy,
                "commits": one.commits,
                "hit_rate": one.hit_rate,
                "job_s": one.job_s,
                "rebuilt_s": one.rebuilt_s,
                "beside_s": one.overhead.seconds.median,
                "builds": one.overhead.seconds.count,
                "moved_bytes": one.moved_bytes,
                "jobs_per_week": one.jobs_per_week,
                "money": one.money,
            }
            for one in told.choice.priced
        ],
        "unpriced": list(told.choice.unpriced),
        "job": told.job,
    }
