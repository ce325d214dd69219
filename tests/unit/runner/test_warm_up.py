"""Warm-up builds are recorded and counted nowhere: the slow one is in no figure made of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.report.tool_formats import as_csv, benchstat
from lab.results import comparison, runs
from lab.results.gate import sides
from lab.results.history import history
from lab.results.pivot import pivot
from tests.factories import build
from tests.gate_runs import record

SLOW = 100.0


@pytest.fixture
def run(tmp_path: Path) -> Path:
    builds = [replace(build(0, SLOW), warm_up=True), build(1, 1.0), build(2, 2.0)]
    return record(tmp_path / "run", [], builds=builds)


@pytest.mark.slow
def test_a_warm_up_enters_no_figure(run: Path) -> None:
    stored = runs.load(run, run.parent)
    assert len(stored.builds) == 3
    assert [one.wall_s for one in stored.counted] == [1.0, 2.0]
    assert [one.wall_s for one in sides.read("baseline", [str(run)], run.parent).builds] == [1, 2]
    found = pivot([run], rows=["phase"], cols=["engine"])
    cell = found.tables[""]["cold"]["docker"].values
    assert (cell.count, cell.high, found.notes) == (2, 2.0, ())
    (series,) = history(run.parent)
    assert [(one.median, one.count) for one in series.points] == [(1.5, 2)]
    table = comparison.table(stored.builds, axis="engine", columns=["docker"])
    (measure,) = table.groups[0].phases[0].measures
    assert measure.count == 2
    assert benchstat([stored]).count("BenchmarkBuild") == 2


def test_a_warm_up_is_exported_and_marked(run: Path) -> None:
    lines = as_csv([runs.load(run, run.parent)]).splitlines()
    place = lines[0].split(",").index("warm_up")
    assert [line.split(",")[place] for line in lines[1:]] == ["True", "False", "False"]
