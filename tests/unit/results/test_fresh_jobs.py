"""Jobs on fresh machines: seconds by hand, the strategy that is taken, and when it is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.model.record import Build, Cache
from lab.model.remote_cache import Remote, Stored
from lab.report import compose, fresh_caches, html
from lab.report.group_table import shared_count
from lab.report.model import Grid
from lab.results import fresh_jobs
from lab.results.comparison_verdicts import Asked
from lab.results.fresh_jobs import Jobs
from lab.results.runs import StoredRun
from tests.factories import build as made
from tests.factories import run as a_run

ROUNDS = range(1, 9)


def build(
    cache: str,
    number: int,
    phase: str,
    wall: float,
    *,
    export: float | None = None,
    inside: bool = False,
    engine: str = "docker",
) -> Build:
    remote = Remote(
        strategy=cache,
        restored=phase != "cold",
        saved=True,
        export_s=export,
        export_inside=inside,
        down_bytes=1000,
        up_bytes=500,
        stored=Stored(manifests=1, blobs=2, bytes=9_000_000),
    )
    return replace(
        made(number, wall),
        cell={"engine": engine, "cache": cache},
        phase=phase,
        cache=Cache(hits=3, misses=1, skipped=0),
        remote=None if cache in {"none", "warm-disk"} else remote,
    )


def run(**seconds: float) -> list[Build]:
    """Per strategy the wall of a job after an edit; saving takes 1 s after it, the first one 60."""
    found = []
    for name, wall in seconds.items():
        cache = name.replace("_", "-")
        for number in ROUNDS:
            drift = 1 + number / 100
            found.append(build(cache, number, "cold", 50.0, export=60.0))
            found.append(build(cache, number, "fresh:a", wall * drift, export=1.0))
            found.append(build(cache, number, "fresh:b", (wall + 2) * drift, export=1.0))
    return found


def only(builds: list[Build]) -> Jobs:
    (found,) = fresh_jobs.of(builds, Asked())
    return found


def test_a_job_is_its_build_and_the_saving_after_it() -> None:
    assert fresh_jobs.job_s(build("inline", 1, "fresh", 10.0, export=2.0)) == 12.0
    assert fresh_jobs.job_s(build("registry-max", 1, "fresh", 10.0, export=2.0, inside=True)) == 10
    assert fresh_jobs.job_s(build("none", 1, "fresh", 10.0)) == 10.0


def test_the_fastest_that_is_sure_to_beat_nothing_is_taken() -> None:
    found = only(run(none=40.0, inline=39.0, stage_images=10.0, warm_disk=5.0))
    assert [job.strategy for job in found.jobs] == ["warm-disk", "stage-images", "inline", "none"]
    assert found.best is not None
    assert found.best.strategy == "stage-images"
    assert found.rivals == ()
    # The median round has a drift of 1.045: the mean of 10 and 12 s, and 1 s of saving.
    assert found.best.seconds.median == pytest.approx(11 * 1.045 + 1)
    assert found.best.hit_rate is not None
    assert found.best.hit_rate.median == 0.75
    # 60 s once, against 41 * 1.045 - (11 * 1.045 + 1) s that each job saves.
    assert found.best.pays_after == 2
    (answer,) = fresh_caches.answers(run(none=40.0, stage_images=10.0), Asked())
    assert answer.answer.startswith("docker: take stage-images: 12.5 s a job against 42.8 s.")
    row = dict(zip(answer.grid.head, answer.grid.rows[0], strict=True))
    assert (row["cache"], row["pays after"]) == ("stage-images", "2 jobs")
    assert row["first cache"] == "9 MB (n=8, equal)"
    assert answer.take == "stage-images"


def test_what_cannot_be_told_apart_is_named() -> None:
    builds = run(none=40.0, inline=10.0, stage_images=10.01)
    found = only(builds)
    assert found.best is not None
    assert found.rivals == ("stage-images",)
    (answer,) = fresh_caches.answers(builds, Asked())
    assert "stage-images cannot be told from it" in answer.answer


def test_a_cache_that_costs_more_than_it_saves_is_not_taken() -> None:
    builds = run(none=10.0, inline=12.0)
    assert only(builds).best is None
    assert {job.pays_after for job in only(builds).jobs} == {None}
    (answer,) = fresh_caches.answers(builds, Asked())
    assert "no cache is seen to pay" in answer.answer
    assert "never" in {cell for row in answer.grid.rows for cell in row}


def test_too_few_rounds_take_nothing() -> None:
    few = [one for one in run(none=40.0, inline=10.0) if one.round <= 2]
    assert only(few).best is None


def test_disturbed_rounds_are_shown_and_decide_nothing() -> None:
    builds = [replace(one, fit="unfit: load") for one in run(none=40.0, inline=10.0)]
    found = only(builds)
    assert found.best is None
    assert {job.disturbed for job in found.jobs} == {len(ROUNDS)}
    (answer,) = fresh_caches.answers(builds, Asked())
    assert "undisturbed" in answer.answer
    (alone,) = fresh_caches.answers(run(inline=10.0), Asked())
    assert "add none to caches" in alone.answer


def test_failures_and_warm_ups_are_no_jobs() -> None:
    builds = run(none=40.0, inline=10.0)
    spoilt = [replace(one, warm_up=True) for one in builds] + [
        replace(one, status="engine-lost") for one in builds
    ]
    assert fresh_jobs.of(spoilt) == ()
    broken = [
        replace(one, status="failed", reason="no push") if one.cell["cache"] == "inline" else one
        for one in builds
    ]
    assert [job.strategy for job in only(broken).jobs] == ["none"]
    (answer,) = fresh_caches.answers(broken, Asked())
    assert "inline: 16 jobs failed: no push" in answer.notes
    (answer,) = fresh_caches.answers([one for one in broken if one.status == "failed"], Asked())
    assert "no job ended well: inline failed" in answer.answer
    lost = [
        one for one in builds if not (one.round == 1 and one.phase == "fresh:b")
    ]  # a round without one of its edits has no mean of them
    assert {job.seconds.count for job in only(lost).jobs} == {len(ROUNDS) - 1}


def test_without_an_edit_the_unchanged_jobs_are_told() -> None:
    builds = [replace(one, phase="fresh") for one in run(none=9.0) if one.phase == "fresh:a"]
    assert only(builds).phases == ("fresh",)
    assert fresh_jobs.of([build("none", 1, "cold", 5.0)]) == ()


def test_a_page_says_the_count_once(tmp_path: Path) -> None:
    """Ten columns with the count in each are wider than a laptop's screen."""
    builds = run(none=40.0, stage_images=10.0)
    found = compose.from_run(
        StoredRun(run=a_run(), builds=tuple(builds), folder=tmp_path, notes=())
    )
    page = html.render(found.model, found.charts)
    (section,) = re.findall(r'<section id="caches">(.*?)</section>', page, re.DOTALL)
    assert section.count(f"n = {len(ROUNDS)} in every number") == 1
    assert "n=" not in section
    assert page.index("take stage-images") < page.index(section)


def test_a_count_leaves_no_blank_behind() -> None:
    grid, said = shared_count(Grid(head=("a job",), rows=(("7.8 s (n=1), 1 disturbed",),)))
    assert grid.rows == (("7.8 s, 1 disturbed",),)
    assert said.startswith("n = 1 in every number")
