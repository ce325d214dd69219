"""What is told of a build that goes on, by a real run of the simulated engine."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.report import live_state
from lab.report.progress import ProgressView
from lab.runner import build_record, runner, session
from lab.scenario import loader, plan


def test_a_run_tells_what_it_builds_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_state, "EVERY", 0.0)
    path = tmp_path / "tried.yaml"
    own = {"context": ".", "dockerfile": "Dockerfile"}
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM $BASE\nRUN one\nRUN two\n")
    said = {"name": "tried", "engines": ["simulated"], "bases": ["bookworm"], "workload": own}
    path.write_text(json.dumps(said | {"phases": ["cold", "rebuild"], "rounds": 1}))
    told: list[dict[str, Any]] = []

    class Reader(ProgressView):
        def see(self, event: runner.RunEvent) -> None:
            super().see(event)
            (folder,) = (tmp_path / "results").iterdir()
            if (found := live_state.read(folder)) is not None:
                told.append(found)

    options = session.Options(results=tmp_path / "results")
    with Reader(io.StringIO(), quiet=True) as watcher:
        stored = session.run(loader.load(path), options, say=lambda _: None, watcher=watcher)
    assert not (stored.folder / live_state.FILE).exists()
    last = next(one for one in told if one["said"].startswith("1 of 2 builds done"))
    assert {row["label"] for row in last["rows"]} >= {"3: RUN one", "4: RUN two"}
    assert {row["outcome"] for row in last["rows"] if "RUN" in row["label"]} == {"miss"}
    assert any("simulated" in one["said"] and "rebuild" in one["said"] for one in told)


def test_builds_that_no_engine_can_are_not_among_those_to_do(tmp_path: Path) -> None:
    path = tmp_path / "tried.yaml"
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM $BASE\nRUN one\n")
    said = {"name": "tried", "engines": ["simulated"], "bases": ["bookworm"], "rounds": 2}
    own = {"context": ".", "dockerfile": "Dockerfile"}
    caches = {"caches": ["inline", "none"], "phases": ["cold", "fresh"]}
    path.write_text(json.dumps(said | {"workload": own} | caches))
    options, out = session.Options(results=tmp_path / "results"), io.StringIO()
    with ProgressView(out, quiet=True) as watcher:
        stored = session.run(loader.load(path), options, say=watcher.say, watcher=watcher)
    assert len(stored.builds) == 8
    lines = out.getvalue().splitlines()
    assert any(line.endswith("; 4 builds to do, 4 skipped") for line in lines)
    numbered = [line.partition("]")[0] for line in lines if line.startswith("[")]
    assert numbered == ["[1/4", "[2/4", "[3/4", "[4/4"]
    assert sum("simulated has no cache inline" in line for line in lines) == 4


def test_a_fleets_run_tells_what_each_host_builds(tmp_path: Path) -> None:
    text = "name: a\nengines: [simulated]\nbases: [bookworm, trixie]\nrounds: 1\n"
    one, two = plan.planned(loader.parse(text + "workload: {packages: 3}\nphases: [cold]\n"))
    times = iter(range(100, 110))
    view = live_state.LiveStateWriter(tmp_path, 2, lambda: float(next(times)))
    for host, trial in (("b", one), ("a", two)):
        (phase,) = trial.phases
        dockerfile = trial.built_from.dockerfile
        view.see(
            runner.BuildStarted(
                build_id=trial.build_id(phase),
                trial=trial,
                phase=phase,
                dockerfile=dockerfile,
                host=host,
            )
        )
    told = live_state.read(tmp_path, lambda: 110.0)
    assert told is not None
    first, second = told["rows"]
    assert first["label"].startswith(f"a: simulated {two.cell.axes['base']}")
    assert second["label"].startswith(f"b: simulated {one.cell.axes['base']}")
    assert (second["start"], second["end"]) == (0.0, 10.0)
    assert told["said"].startswith("0 of 2 builds done; now a: ")
    build = build_record.unbuilt(one, one.phases[0], "engine-lost", "gone")
    view.see(runner.BuildFinished(build=replace(build, host="b"), dockerfile=None, manifest=None))
    told = live_state.read(tmp_path, lambda: 110.0)
    assert told is not None
    assert len(told["rows"]) == 1
