"""The order of axes and the baseline of a table: the scenario's, whatever the seed drew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.model.errors import InputError
from lab.report import compose
from lab.results import question, runs
from lab.runner import session
from lab.scenario import loader
from tests.unit.runner.test_session import Nobody

TEXT = """\
name: order
engines: [simulated]
bases: [bookworm]
workload: {packages: 1, lines: 200, depth: 1}
layouts: [override, default]
axes: {MODE: ["slow", "fast", "b", "a"]}
phases: [cold]
rounds: 1
"""


def run(folder: Path, seed: int, text: str = TEXT, **options: str) -> runs.StoredRun:
    path = folder / "order.yaml"
    path.write_text(text)
    scenario = replace(loader.load(path), seed=seed)
    asked = session.Options(results=folder / "results", **options)  # type: ignore[arg-type]  # texts
    return session.run(scenario, asked, say=lambda _: None, watcher=Nobody())


def lab(*words: str) -> int:
    """What a command ends with."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_the_baseline_is_the_scenarios_first_value(tmp_path: Path, seed: int) -> None:
    stored = runs.read(run(tmp_path, seed).folder)
    table = compose.table_of(stored)
    assert (table.axis, table.columns) == ("layout", ("override", "default"))
    assert table.baseline == "override"
    modes = [group.cell["MODE"] for group in table.groups]
    assert modes == ["slow", "fast", "b", "a"]
    other = compose.table_of(stored, "fast")
    assert (other.axis, other.columns) == ("MODE", ("slow", "fast", "b", "a"))
    assert other.baseline == "fast"
    assert [group.cell["layout"] for group in other.groups] == ["override", "default"]


@pytest.mark.slow
def test_seeds_draw_another_order(tmp_path: Path) -> None:
    firsts = {run(tmp_path, seed).builds[0].cell["layout"] for seed in range(1, 7)}
    assert firsts == {"override", "default"}, "so the test above says something"


@pytest.mark.slow
def test_a_run_keeps_the_baseline_that_it_was_asked_for(tmp_path: Path) -> None:
    stored = runs.read(run(tmp_path, 1, baseline="default").folder)
    assert compose.table_of(stored).baseline == "default"
    assert compose.table_of(stored, "override").baseline == "override"
    assert "--baseline default" in compose.from_run(stored).model.repeat[0]


@pytest.mark.slow
def test_a_scenario_names_its_baseline(tmp_path: Path) -> None:
    text = TEXT + "baseline: fast\n"
    table = compose.table_of(runs.read(run(tmp_path, 1, text).folder))
    assert (table.axis, table.baseline) == ("MODE", "fast")
    table = compose.table_of(runs.read(run(tmp_path, 1, text, baseline="default").folder))
    assert (table.axis, table.baseline) == ("layout", "default")


def test_a_scenarios_baseline_is_a_value_of_an_axis_that_has_several() -> None:
    for wrong in ("slwo", "simulated"):
        with pytest.raises(InputError) as found:
            loader.parse(TEXT + f"baseline: {wrong}\n")
        line = len(TEXT.splitlines()) + 1
        assert f"{line}:11" in str(found.value)
        assert "override, default" in str(found.value)
    with pytest.raises(InputError, match="did you mean 'slow'"):
        loader.parse(TEXT + "baseline: slwo\n")


def test_engines_of_the_command_line_may_take_the_baseline_away() -> None:
    upgrade = loader.load(Path("scenarios/base-upgrade.yaml"))
    assert upgrade.with_engines(["podman"]).baseline == "bookworm"
    against = loader.parse(upgrade.text.replace("baseline: bookworm", "baseline: podman"))
    assert against.with_engines(["docker", "podman"]).baseline == "podman"
    assert against.with_engines(["podman"]).baseline is None


@pytest.mark.slow
def test_an_old_run_has_the_order_of_its_builds(tmp_path: Path) -> None:
    stored = run(tmp_path, 1)
    path = stored.folder / "run.json"
    head = json.loads(path.read_text())
    assert head["axes"]["MODE"] == ["slow", "fast", "b", "a"]
    del head["axes"]
    path.write_text(json.dumps(head))
    first = stored.builds[0].cell["layout"]
    assert compose.table_of(runs.read(stored.folder)).baseline == first


@pytest.mark.slow
def test_a_baseline_that_is_none(tmp_path: Path) -> None:
    stored = run(tmp_path, 1)
    for wrong in ("nosuch", "simulated"):
        with pytest.raises(InputError, match="nothing is compared with") as found:
            compose.table_of(stored, wrong)
        assert "override, default" in str(found.value.remedy)
        with pytest.raises(InputError):
            question.expect(stored.run.axes, wrong)
    question.expect(stored.run.axes, "fast")
    question.expect(stored.run.axes, None)


@pytest.mark.slow
def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order.yaml").write_text(TEXT)
    assert lab("run", "order.yaml", "--baseline", "nosuch", "--quiet") == 2
    assert not (tmp_path / "results").exists(), "it is said before anything is made"
    for baseline, other in (("default", "override"), ("override", "default")):
        assert lab("run", "order.yaml", "--baseline", baseline, "--quiet", "--json") == 0
        table = json.loads(capsys.readouterr().out)["table"]
        assert (table["baseline"], table["columns"]) == (baseline, ["override", "default"])
        words = ["report", "latest", "--format", "json", "--output", "-"]
        assert lab(*words, "--baseline", other) == 0
        assert json.loads(capsys.readouterr().out)["table"]["baseline"] == other
    old, new = runs.runs(Path("results"))
    for baseline in (old, new):
        assert lab("compare", old, new, "--baseline", baseline, "--json") == 0
        found = json.loads(capsys.readouterr().out)["table"]
        assert found["columns"].index(found["baseline"]) == [old, new].index(baseline)
    assert lab("compare", old, new, "--baseline", "nosuch") == 2
    assert lab("compare", "docker", "--baseline", "podman") == 2
