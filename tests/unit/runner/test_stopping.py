"""Rounds that end once every comparison is decided, on builds of known times."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.model.errors import InputError
from lab.model.record import Build
from lab.results import runs
from lab.runner import session
from lab.runner.stopping import Sampling
from lab.scenario import loader, plan
from lab.scenario.model import Scenario
from lab.scenario.plan import Cell, Trial
from tests.unit.runner.test_session import Nobody

TEXT = """\
name: until
engines: [simulated]
bases: [bookworm]
workload: {packages: 1, lines: 200, depth: 1}
layouts: [default, symlink, tmpfs]
phases: [cold]
rounds: {min: 5, max: 20, until: "±5%"}
warm_up: 1
"""


def read(text: str = TEXT) -> Scenario:
    return loader.parse(text, Path("until.yaml"))


def run(
    read_: Scenario,
    walls: dict[str, float],
    noise: float,
    fit: str | None = None,
    **options: float,
) -> tuple[Sampling, list[Trial], list[list[str]]]:
    """Every wanted trial of the plan, each layout at its time."""
    draw = random.Random(3)
    told: list[list[str]] = []
    clock = iter(range(10_000))
    sampling = Sampling(
        read_,
        (),
        tell=lambda names: told.append(list(names)),
        clock=lambda: float(next(clock)),
        budget=options.get("budget"),
    )
    done = []
    for trial in plan.planned(read_):
        if sampling.wanted(trial):
            done.append(trial)
            wall = walls[trial.cell.axes["layout"]] * draw.gauss(1, noise)
            sampling.see(replace(built(trial, wall), fit=fit))
    return sampling, done, told


def built(trial: Trial, wall: float) -> Build:
    return Build(
        id=trial.build_id(trial.phases[0]),
        cell=dict(trial.cell.axes),
        round=trial.round,
        phase=trial.phases[0].name,
        status="ok",
        wall_s=wall,
        warm_up=trial.warm_up,
    )


def rounds(done: Sequence[Trial], layout: str) -> int:
    return sum(t.cell.axes["layout"] == layout and not t.warm_up for t in done)


@pytest.mark.slow
def test_a_decided_cell_drops_out_and_an_open_one_goes_on_with_its_baseline() -> None:
    sampling, done, told = run(read(), {"default": 1.0, "symlink": 2.0, "tmpfs": 1.0}, 0.08)
    counts = {name: rounds(done, name) for name in ("default", "symlink", "tmpfs")}
    assert max(counts.values()) == 20
    assert min(counts.values()) == 5
    assert [len(names) for names in (told[0], told[-1])] == [1, 1]
    assert sampling.ended is None


def test_all_decided_ends_the_rounds_and_says_so() -> None:
    sampling, done, told = run(read(), {"default": 1.0, "symlink": 2.0, "tmpfs": 3.0}, 0.01)
    assert {rounds(done, name) for name in ("default", "symlink", "tmpfs")} <= set(range(5, 9))
    assert told[-1] == []
    assert told.count([]) == 1
    assert sampling.ended is not None
    assert sampling.ended.startswith("every comparison was decided before round ")


def test_builds_that_all_fail_decide_nothing_and_are_not_gone_on_with() -> None:
    told: list[Sequence[str]] = []
    sampling = Sampling(read(), (), tell=told.append)
    done = []
    for trial in plan.planned(read()):
        if sampling.wanted(trial):
            done.append(trial)
            sampling.see(replace(built(trial, 1.0), status="failed", wall_s=None))
    assert rounds(done, "default") == 5
    assert sampling.ended == "no build went well before round 6"
    assert told == [], "nothing is said to be decided"


def test_disturbed_rounds_decide_nothing() -> None:
    walls = {"default": 1.0, "symlink": 2.0, "tmpfs": 3.0}
    sampling, done, told = run(read(), walls, 0.01, fit="degraded: others")
    assert {rounds(done, name) for name in walls} == {20}
    assert len(told) == 15
    assert {len(names) for names in told} == {2}
    assert sampling.ended is None


def test_seconds_that_nobody_can_read_are_not_waited_for() -> None:
    text = TEXT.replace('until: "±5%"', 'until: "±5%", metric: cpu')
    sampling, done, _ = run(read(text), {"default": 1.0, "symlink": 2.0, "tmpfs": 3.0}, 0.01)
    assert {rounds(done, name) for name in ("default", "symlink", "tmpfs")} == {5}
    assert sampling.ended is not None


def test_a_spent_budget_begins_no_trial() -> None:
    sampling, done, _ = run(
        read(), {"default": 1.0, "symlink": 1.0, "tmpfs": 1.0}, 0.3, budget=20.0
    )
    assert len(done) == 19
    assert sampling.ended == "the budget was spent in round 6"


@pytest.mark.slow
def test_warm_ups_come_first_and_count_nowhere(tmp_path: Path) -> None:
    trials = plan.planned(read())
    assert [trial.warm_up for trial in trials[:4]] == [True, True, True, False]
    assert {trial.round for trial in trials if trial.warm_up} == {0}
    stored = on_engine(tmp_path)
    warm = [build for build in stored.builds if build.warm_up]
    assert len(warm) == 3
    assert stored.run.reason is not None


def test_a_number_of_rounds_is_run_whatever_shows() -> None:
    fixed = read(TEXT.replace('{min: 5, max: 20, until: "±5%"}', "7"))
    _, done, told = run(fixed, {"default": 1.0, "symlink": 2.0, "tmpfs": 3.0}, 0.01)
    assert len(done) == 8 * 3
    assert told == []


@pytest.mark.parametrize(
    "rounds_", ["{min: 9, max: 5}", "{max: 400}", '{until: "0%"}', '{until: "much"}', "0", "[1]"]
)
def test_rounds_that_make_no_sense_are_told(rounds_: str) -> None:
    with pytest.raises(InputError, match=r"until\.yaml:7:"):
        read(TEXT.replace('{min: 5, max: 20, until: "±5%"}', rounds_))


def on_engine(
    tmp_path: Path, earlier: runs.StoredRun | None = None, more: int = 0
) -> runs.StoredRun:
    """A run on the simulated engine, or more rounds of one."""
    chosen = replace(read(), rounds=20 + more, until=None if more else read().until)
    return session.run(
        chosen,
        session.Options(results=tmp_path),
        say=lambda _: None,
        watcher=Nobody(),
        resumed=earlier,
        more=earlier is not None,
    )


@pytest.mark.slow
def test_rounds_are_appended_on_the_same_host_only(tmp_path: Path) -> None:
    first = on_engine(tmp_path)
    before = (first.folder / "builds.jsonl").read_bytes()
    kernel = replace(first.run, host=replace(first.run.host, kernel="2.0"))
    with pytest.raises(InputError, match=r"host kernel: 2\.0 then"):
        on_engine(tmp_path, replace(first, run=kernel), more=2)
    assert runs.load("latest", tmp_path).run.status == "complete"
    assert (first.folder / "builds.jsonl").read_bytes() == before
    second = on_engine(tmp_path, first, more=2)
    assert second.folder == first.folder
    assert max(build.round for build in second.builds) == 22
    assert (first.folder / "builds.jsonl").read_bytes().startswith(before)
    assert second.run.options.rounds == 22


def test_an_order_is_kept_by_appending() -> None:
    shorter, longer = (list(plan.order(replace(read(), rounds=n))) for n in (4, 6))
    assert longer[: len(shorter)] == shorter
    assert isinstance(shorter[0][1], Cell)
