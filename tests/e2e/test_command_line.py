"""What a user can get wrong without any engine: each has its message and its exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import LAB, ROOT, Desk

SHIPPED = sorted(path.name for path in (ROOT / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_runs_without_a_daemon(desk: Desk, name: str) -> None:
    path = str(ROOT / "scenarios" / name)
    ended = desk.lab("run", path, "--engine", "simulated", "--rounds", "1", "--quiet")
    assert ended.code == 0, ended.err
    assert desk.head()["status"] == "complete"
    folder = desk.folder / ended.out.splitlines()[-1]
    assert {path.name for path in folder.iterdir()} >= {"run.json", "builds.jsonl", "report.html"}


def test_every_mistake_in_a_scenario_is_told_with_its_place(desk: Desk) -> None:
    desk.scenario("")
    desk.write(
        "bad.yaml",
        "name: bad\n"
        "engines: [dokcer]\n"
        "workload: {context: own, dockerfile: Dockerfile}\n"
        'phases: [cold, "edit:../../x"]\n'
        "rounds: none\n",
    )
    ended = desk.lab("run", "bad.yaml")
    assert ended.code == 2
    for place in ("bad.yaml:2:11: ", "did you mean 'docker'?", "bad.yaml:4:16: ", "bad.yaml:5:9: "):
        assert place in ended.err


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (["run"], 2, "takes a scenario"),
        (["run", "nowhere.yaml"], 2, "cannot read the scenario nowhere.yaml"),
        (["run", "tried.yaml", "--engine", "dokcer"], 2, "no engine is named 'dokcer'"),
        (["run", "tried.yaml", "--engine", "docker\nx"], 2, "no engine is named 'docker\\nx'"),
        (["run", "tried.yaml", "--engine", "docker=foo://x"], 2, "is no engine's address"),
        (["run", "tried.yaml", "--engine", "docker=unix:///no.sock"], 7, "no docker answers"),
        (["run", "tried.yaml", "--rounds", "x"], 2, "expected a number of at least 1"),
        (["run", "tried.yaml", "--results", "/proc/nowhere"], 11, "/proc/nowhere"),
        (["run", "tried.yaml", "--results", "tried.yaml"], 11, "tried.yaml"),
        (["run", "--resume", "../../x"], 2, "no run '../../x'"),
        (["report", "latest"], 2, "there are no runs"),
        (["compare", "docker", "dokcer"], 2, "no engine is named 'dokcer'"),
        (["compare", "--axis", "layout", "default", "tmpfs"], 2, "in which run?"),
        (["compare", "--run", "nowhere", "x"], 2, "no run 'nowhere'"),
    ],
)
def test_a_wrong_word_gets_a_cause_and_a_next_step(
    desk: Desk, words: list[str], code: int, cause: str
) -> None:
    desk.scenario("RUN true")
    ended = desk.lab(*words)
    assert ended.code == code
    assert cause in ended.err
    assert "next: " in ended.err or "usage: " in ended.err


def test_json_alone_is_on_standard_output(desk: Desk) -> None:
    desk.scenario("RUN sleep 1", "simulated")
    run = desk.lab("run", "tried.yaml", "--json")
    assert json.loads(run.out)["schema"] == "lab.run/1"
    assert "builds to do" in run.err
    table = desk.lab("compare", "--run", "latest", "simulated", "--json")
    assert json.loads(table.out)["table"]["axis"] == "engine"


def test_a_reader_that_has_read_enough_is_no_error(desk: Desk) -> None:
    with desk.start("schema") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "{\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_output_that_has_no_room_is_told(desk: Desk) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*LAB, "schema"],
            env=desk.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, "No space left" in done.stderr) == (10, True)
    assert "next: free some space" in done.stderr
    assert "Traceback" not in done.stderr


def test_markup_in_values_stays_text(desk: Desk) -> None:
    axes = {"AXIS": ["<b>x</b>", "[bold red]m[/]", "$(touch pwned)", "../../y"]}
    desk.scenario("ARG AXIS\nRUN echo $AXIS", "simulated", axes=axes, description="<script>1")
    assert desk.lab("run", "tried.yaml").code == 0
    (report,) = desk.folder.glob("results/*/report.html")
    html = report.read_text()
    assert "<b>x" not in html
    assert "<script>1" not in html
    assert "&lt;b&gt;x" in html
    assert desk.lab("render", "tried.yaml", "--output", "drawn").code == 0
    assert len(list(desk.folder.glob("drawn/*"))) == 4
    assert not list(desk.folder.rglob("pwned"))


def test_a_value_cannot_bring_a_line_of_its_own(desk: Desk) -> None:
    desk.scenario("ARG AXIS", "simulated", axes={"AXIS": ["a\nRUN touch /pwned"]})
    ended = desk.lab("run", "tried.yaml")
    assert ended.code == 2
    assert "one line without control characters" in ended.err
