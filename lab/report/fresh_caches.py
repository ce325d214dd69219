"""Which cache to give a fresh runner: an answer and a table for each engine."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lab.model import cell_names, units
from lab.model.record import Build
from lab.model.remote_cache import NOTHING
from lab.report import ratio_words
from lab.report.formatting import one_line, percent, spread
from lab.report.model import CacheAnswer, Grid
from lab.results import fresh_jobs
from lab.results.comparison_verdicts import Asked
from lab.results.fresh_jobs import Job, Jobs
from lab.results.stats import Summary
from lab.scenario.links import AXIS

_HEAD = (
    "cache", "a job", "against none", "hit rate", "fetched", "sent", "saving", "first saving",
    "pays after", "first cache",
)  # fmt: skip
NOTES = (
    "A job is a build on a fresh engine after an edit, and the saving of its cache; figures are "
    "means over the edits. First saving: what the cold job paid to save its cache, which is a part "
    "of no later job; pays after: how many jobs win that back. First cache: what it came to.",
)
_NEAR = "the registry was on this machine: over a line to it (links), moving bytes costs more"


def answers(builds: Sequence[Build], asked: Asked) -> tuple[CacheAnswer, ...]:
    """One for each cell without its cache; none where no build was fresh."""
    found = fresh_jobs.of(builds, asked)
    apart = {name for one in found for name in one.cell if _varies(name, found)} | {"engine"}
    return tuple(_answer(one, apart) for one in found)


def _varies(axis: str, found: Sequence[Jobs]) -> bool:
    return len({one.cell.get(axis) for one in found}) > 1


def _answer(jobs: Jobs, apart: Collection[str]) -> CacheAnswer:
    named = {name: value for name, value in jobs.cell.items() if name in apart}
    where = one_line(cell_names.short(named))
    rows = tuple(_row(job) for job in jobs.jobs)
    failures = tuple(
        one_line(f"{job.strategy}: {text}", 300) for job in jobs.jobs for text in job.failures
    )
    failures += tuple(
        one_line(f"{name}: {units.counted(len(builds), 'job')} failed: {builds[0].reason}", 300)
        for name, builds in jobs.failed.items()
    )
    return CacheAnswer(
        title=where,
        answer=one_line(f"{where}: {_said(jobs)}", 400),
        take=None if jobs.best is None else jobs.best.strategy,
        grid=Grid(head=_HEAD, rows=rows),
        notes=(
            f"edits: {', '.join(map(one_line, jobs.phases))}",
            f"line to the registry: {one_line(line)}" if (line := jobs.cell.get(AXIS)) else _NEAR,
            *failures,
        ),
    )


def _said(jobs: Jobs) -> str:
    if not jobs.jobs:
        return f"no job ended well: {' and '.join(jobs.failed)} failed."
    if jobs.best is None:
        compared = [job for job in jobs.jobs if job.versus is not None]
        if compared:
            return f"no cache is seen to pay. {_sentence(compared[0])}."
        if all(job.strategy != NOTHING for job in jobs.jobs):
            return "no jobs without a cache to compare with: add none to caches."
        return "no job to compare with was left undisturbed: nothing can be said."
    best = jobs.best
    times = f"{units.seconds(best.seconds.median)} a job"
    other = next((j.seconds for j in jobs.jobs if j.strategy == NOTHING), None)
    against = f" against {units.seconds(other.median)}" if other is not None else ""
    rivals = f" {' and '.join(jobs.rivals)} cannot be told from it." if jobs.rivals else ""
    return f"take {best.strategy}: {times}{against}. {_sentence(best)}.{rivals}"


def _sentence(job: Job) -> str:
    found = job.versus
    return (
        "" if found is None else ratio_words.sentence(found, job.strategy, "none", "in fresh jobs")
    )


def _row(job: Job) -> tuple[str, ...]:
    wall = spread(job.seconds, units.seconds)
    pays = "" if job.pays_after is None else units.counted(job.pays_after, "job")
    return (
        job.strategy,
        f"{wall}, {job.disturbed} disturbed" if job.disturbed else wall,
        "baseline" if job.strategy == NOTHING else ratio_words.cell(job.versus),
        spread(job.hit_rate, percent),
        _size(job.down_bytes),
        _size(job.up_bytes),
        spread(job.saving_s, units.seconds),
        spread(job.first_s, units.seconds),
        pays or ("never" if job.first_s and job.versus else units.MISSING),
        _size(job.stored_bytes),
    )


def _size(found: Summary | None) -> str:
    return spread(found, lambda size: units.size(round(size)))
