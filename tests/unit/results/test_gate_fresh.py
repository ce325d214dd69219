"""--prove and --confirm on the simulated engine, whose truth is known: it has no noise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab.cli import main
from lab.dockerfile import edits
from lab.dockerfile.context import Context
from lab.model.errors import InputError
from lab.results import runs
from lab.results.gate import policy_loader
from lab.results.gate.proof import prove, timed
from lab.results.gate.sides import Side
from tests.gate_runs import record

SCENARIO = """\
name: fresh
engines: [simulated]
bases: [bookworm]
workload: {packages: 2, lines: LINES, depth: 1, seed: 1}
phases: [cold, rebuild]
rounds: 7
"""
POLICY = "name: fresh\nrules:\n  - {metric: wall, relative: 12%}\n"


def lab(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main.main([str(word) for word in words])
    return int(ended.value.code or 0)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def measured(desk: Path, name: str, lines: int = 300, scenario: str = SCENARIO) -> Path:
    path = desk / f"{name}.yaml"
    path.write_text(scenario.replace("LINES", str(lines)))
    assert lab("run", path, "--quiet", "--results", desk / name) == 0
    return next((desk / name).iterdir())


def tampered(run: Path) -> Path:
    """The run as a bad moment of the machine would have measured it."""
    path = run / "builds.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for one in records:
        one["wall_s"] *= 1.5
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return run


def gate(desk: Path, *words: object) -> int:
    return lab("gate", "--policy", desk / "policy.yaml", "--quiet", "--results", desk, *words)


@pytest.mark.slow
def test_the_gate_proves_itself(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = measured(desk, "plain")
    assert gate(desk, "--prove", "--candidate", run, "--rounds", 7, "--slowdown", 60) == 0
    out = capsys.readouterr().out
    sizes = re.search(r"cold, wall: injected \+([\d.]+) %, found \+([\d.]+) %", out)
    assert sizes is not None
    put, found = sizes.groups()
    # The truth is the injected seconds over the wall; a longer Dockerfile costs next to none.
    assert float(found) == pytest.approx(float(put), abs=0.5)
    assert "labels shuffled: 0 false alarms of 200" in out
    # Without noise the smallest slow-down is the one that matters itself.
    smallest = [float(text) for text in re.findall(r"wall: ([\d.]+) % in 7 rounds", out)]
    assert smallest == [pytest.approx(12, abs=0.3)] * 2
    # Its own rounds are of three sides, and no measurement of the candidate.
    assert gate(desk, "--baseline", run, "--candidate", "latest") == 2
    assert "is refused: the gate made it itself" in capsys.readouterr().err


@pytest.mark.slow
def test_a_slow_down_below_what_matters_is_not_seen(desk: Path) -> None:
    run = measured(desk, "plain")
    assert gate(desk, "--prove", "--candidate", run, "--rounds", 7, "--slowdown", 2) == 5


@pytest.mark.slow
def test_a_suspicion_that_fresh_rounds_do_not_bear_out_passes(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = measured(desk, "old"), tampered(measured(desk, "new"))
    sides = ("--baseline", old, "--candidate", new)
    assert gate(desk, *sides) == 4
    capsys.readouterr()
    assert gate(desk, *sides, "--confirm") == 0
    out = capsys.readouterr().out
    assert "decide, after a fail" in out
    assert "fresh rounds in turn: " in out


@pytest.mark.slow
def test_a_candidate_that_is_slower_fails_after_fresh_rounds_too(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The simulated engine copies 200 MB in a second: so much source is a difference.
    old, new = measured(desk, "old"), measured(desk, "new", lines=60_000)
    assert gate(desk, "--baseline", old, "--candidate", new, "--confirm") == 4
    assert "decide, after a fail" in capsys.readouterr().out


@pytest.mark.slow
def test_sources_that_are_gone_leave_a_failure_standing(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "own").mkdir()
    (desk / "own" / "Dockerfile").write_text("FROM scratch\nRUN sleep 1\n")
    own = "name: own\nengines: [simulated]\nworkload: {context: own}\nphases: [cold]\nrounds: 7\n"
    old = measured(desk, "old", scenario=own)
    (desk / "own" / "Dockerfile").write_text("FROM scratch\nRUN sleep 2\n")
    new = measured(desk, "new", scenario=own)
    assert gate(desk, "--baseline", old, "--candidate", new, "--confirm") == 4
    assert "not confirmed: " in " ".join(capsys.readouterr().out.split())


def test_a_step_that_works_stands_behind_the_last_run() -> None:
    text = "FROM a AS x\nRUN make\nCOPY a b\nFROM x\nCOPY --from=x a b\n"
    inputs = edits.Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context({}))
    burnt = edits.apply(edits.InjectedDelay(seconds=1.5, word="cold"), inputs, "t1")
    lines = burnt.dockerfile.splitlines()
    assert lines[1:4] == [
        "RUN make",
        "RUN : edit-cold-t1; timeout 1.500 sh -c 'while :; do :; done' || :",
        "COPY a b",
    ]
    with pytest.raises(InputError):
        edits.apply(
            edits.InjectedDelay(seconds=1, word="x"),
            edits.Inputs(dockerfile="FROM a\n", dockerfile_path="Dockerfile", context=Context({})),
            "t",
        )


@pytest.mark.slow
def test_a_host_that_slows_one_of_two_equal_sides_cries_wolf(desk: Path) -> None:
    """Shuffled labels cannot show it: they part what the order of the builds had put together."""
    walls = {"plain": 1.0, "control": 1.3, "slow": 2.0}
    sides = {
        name: Side(run=runs.read(record(desk / name, [size + n / 100 for n in range(12)])))
        for name, size in walls.items()
    }
    policy = timed(policy_loader.load(desk / "policy.yaml"))
    found = prove(sides["plain"], sides["control"], sides["slow"], policy, {}, seed=1)
    assert found.detected
    assert found.false_alarms <= found.tolerated
    assert found.control_failed
    itself = prove(sides["plain"], sides["plain"], sides["slow"], policy, {}, seed=1)
    assert not itself.control_failed
    assert not itself.too_many_alarms
