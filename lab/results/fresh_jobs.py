"""What a CI job on a fresh machine comes to by each cache strategy, and which one to take. Pure.

A job is a build on a fresh engine after an edit, and the saving of its cache where that comes after
the build. The mean over the edits of a round is one sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from lab.host.monitor.fitness import is_fit
from lab.model.record import Build
from lab.model.remote_cache import AXIS, NOTHING, STAYING, Remote
from lab.results.comparison_verdicts import Asked
from lab.results.stats import Comparison, Summary, Verdict, compare_paired, corrected, summary

FRESH = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One strategy's jobs: seconds and bytes of one job, over the rounds.

    ``versus`` compares with jobs that restore nothing. ``first_s`` is what the cold job paid to
    save the first cache, ``pays_after`` how many later jobs it takes to win that back; None where
    no job is faster than one without a cache, or where there is nothing to compare.
    """

    strategy: str
    seconds: Summary
    hit_rate: Summary | None = None
    saving_s: Summary | None = None
    down_bytes: Summary | None = None
    up_bytes: Summary | None = None
    stored_bytes: Summary | None = None
    first_s: Summary | None = None
    versus: Comparison | None = None
    pays_after: int | None = None
    disturbed: int = 0
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The strategies of cells that are alike in all else, the fastest first.

    ``best`` is the fastest that restores something, where it is faster than nothing; ``rivals`` are
    those that cannot be told from it. ``failed`` are builds that ended badly, by strategy.
    """

    cell: Mapping[str, str]
    phases: tuple[str, ...]
    jobs: tuple[Job, ...]
    best: Job | None = None
    rivals: tuple[str, ...] = ()
    failed: Mapping[str, tuple[Build, ...]] = field(default_factory=dict)


def of(builds: Sequence[Build], asked: Asked = Asked()) -> tuple[Jobs, ...]:  # noqa: B008 (frozen)
    """One for each cell without its cache; empty where no build was fresh."""
    cells: dict[tuple[tuple[str, str], ...], list[Build]] = {}
    for build in builds:
        if AXIS in build.cell and build.status in {"ok", "failed"} and not build.warm_up:
            rest = tuple((name, one) for name, one in build.cell.items() if name != AXIS)
            cells.setdefault(rest, []).append(build)
    found = (_jobs(dict(cell), cells[cell], asked) for cell in sorted(cells))
    return tuple(one for one in found if one is not None)


def job_s(build: Build) -> float:
    """The seconds of a job: the build, and saving its cache where that comes after."""
    remote = build.remote
    after = remote is not None and not remote.export_inside
    return (build.wall_s or 0.0) + ((remote.export_s or 0.0) if remote and after else 0.0)


def _jobs(cell: Mapping[str, str], builds: Sequence[Build], asked: Asked) -> Jobs | None:
    phases = _phases(builds)
    failed: dict[str, tuple[Build, ...]] = {}
    for build in builds:
        if build.status == "failed" and build.phase in phases:
            failed[build.cell[AXIS]] = (*failed.get(build.cell[AXIS], ()), build)
    builds = [build for build in builds if build.status == "ok"]
    by_strategy: dict[str, list[Build]] = {}
    for build in builds:
        by_strategy.setdefault(build.cell[AXIS], []).append(build)
    rounds = {name: _rounds(those, phases) for name, those in by_strategy.items()}
    rounds = {name: those for name, those in rounds.items() if those}
    if not rounds:
        return Jobs(cell=cell, phases=phases, jobs=(), failed=failed) if failed else None
    nothing = _fit(rounds.get(NOTHING, {}))
    versus = {name: _versus(_fit(those), nothing, asked) for name, those in rounds.items()}
    known = {name: one for name, one in versus.items() if one is not None and name != NOTHING}
    sure = dict(zip(known, corrected(list(known.values())), strict=True))
    jobs = sorted(
        (
            _job(name, seconds, those, by_strategy[name], nothing, sure.get(name))
            for name, those in rounds.items()
            if (seconds := summary([fmean(map(job_s, jobs)) for jobs in those.values()]))
        ),
        key=lambda job: job.seconds.median,
    )
    best = _best(jobs)
    rivals = () if best is None else tuple(_rivals(best, jobs, rounds, asked))
    return Jobs(cell=cell, phases=phases, jobs=tuple(jobs), best=best, rivals=rivals, failed=failed)


def _phases(builds: Sequence[Build]) -> tuple[str, ...]:
    """The fresh builds after an edit; where there are none, those without one."""
    names = dict.fromkeys(build.phase for build in builds)
    edited = tuple(name for name in names if name.startswith(f"{FRESH}:"))
    return edited or tuple(name for name in names if name == FRESH)


def _best(jobs: Sequence[Job]) -> Job | None:
    """The fastest that a fresh machine can have, where it is faster than no cache."""
    for job in jobs:
        if job.strategy not in STAYING:
            known = job.versus is not None and job.versus.verdict is Verdict.FASTER
            return job if known else None
    return None


def _rounds(builds: Iterable[Build], phases: Sequence[str]) -> dict[int, list[Build]]:
    """The jobs of each round that has one of each edit."""
    found: dict[int, list[Build]] = {}
    for build in builds:
        if build.phase in phases:
            found.setdefault(build.round, []).append(build)
    return {number: those for number, those in found.items() if len(those) == len(phases)}


def _fit(rounds: Mapping[int, list[Build]]) -> dict[int, float]:
    """The seconds of a job in each round that nothing disturbed."""
    return {
        number: fmean(map(job_s, those))
        for number, those in rounds.items()
        if all(is_fit(build.fit) for build in those)
    }


def _versus(
    one: Mapping[int, float], other: Mapping[int, float], asked: Asked
) -> Comparison | None:
    pairs = [(one[number], other[number]) for number in sorted(one) if number in other]
    return compare_paired(pairs, margin=asked.margin, seed=asked.seed, forecast=False)


def _rivals(
    best: Job, jobs: Sequence[Job], rounds: Mapping[str, dict[int, list[Build]]], asked: Asked
) -> Iterator[str]:
    """Strategies of which it cannot be said that they are slower than the fastest."""
    fastest = _fit(rounds[best.strategy])
    for job in jobs:
        if job is not best and job.strategy not in STAYING:
            found = _versus(_fit(rounds[job.strategy]), fastest, asked)
            if found is None or found.verdict is not Verdict.SLOWER:
                yield job.strategy


def _job(
    strategy: str,
    seconds: Summary,
    rounds: Mapping[int, list[Build]],
    builds: Sequence[Build],
    nothing: Mapping[int, float],
    versus: Comparison | None,
) -> Job:
    cold = [build.remote for build in builds if build.phase == "cold"]
    first = summary([one.export_s for one in cold if one and one.export_s is not None])
    told = [build.remote for those in rounds.values() for build in those if build.remote]
    return Job(
        strategy=strategy,
        seconds=seconds,
        hit_rate=_mean(rounds, lambda build: build.cache.rate if build.cache else None),
        saving_s=_mean(rounds, _remote(lambda one: one.export_s)),
        down_bytes=_mean(rounds, _remote(lambda one: one.down_bytes)),
        up_bytes=_mean(rounds, _remote(lambda one: one.up_bytes)),
        stored_bytes=summary([one.stored.bytes for one in cold if one and one.stored]),
        first_s=first,
        versus=versus,
        pays_after=_pays_after(first, seconds, summary(list(nothing.values()))),
        disturbed=len(rounds) - len(_fit(rounds)),
        failures=tuple(dict.fromkeys(text for one in told for text in one.failures)),
    )


def _remote(figure: Callable[[Remote], float | None]) -> Callable[[Build], float | None]:
    return lambda build: None if build.remote is None else figure(build.remote)


def _mean(
    rounds: Mapping[int, list[Build]], figure: Callable[[Build], float | None]
) -> Summary | None:
    """A figure of one job, over the rounds in which every job has it."""
    found = [[figure(build) for build in those] for those in rounds.values()]
    known = [[one for one in those if one is not None] for those in found]
    whole = [fmean(k) for k, those in zip(known, found, strict=True) if len(k) == len(those)]
    return summary(whole)


def _pays_after(first: Summary | None, job: Summary, nothing: Summary | None) -> int | None:
    if first is None or nothing is None or nothing.median <= job.median:
        return None
    return max(1, math.ceil(first.median / (nothing.median - job.median)))
