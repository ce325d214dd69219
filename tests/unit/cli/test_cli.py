"""The door to people: what a shell, a pipe or a closed stream may do to the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli import commands, main
from lab.cli.commands import compare
from lab.model.errors import InputError
from lab.scenario.model import Scenario
from tests.factories import build
from tests.gate_runs import record

COMMAND = [sys.executable, "-c", "from lab.cli.main import main; main()"]
POLICY = "name: strict\nrules:\n  - {metric: wall, limit: 1s}\n"


@pytest.fixture
def gate(tmp_path: Path) -> list[str]:
    """A gate that fails: each build of the candidate takes ten times what the policy allows."""
    for name in ("old", "new"):
        record(tmp_path / name, [], builds=[build(at, 10.0 + at / 10) for at in range(1, 21)])
    (tmp_path / "policy.yaml").write_text(POLICY)
    sides = [f"--baseline={tmp_path / 'old'}", f"--candidate={tmp_path / 'new'}"]
    return [*COMMAND, "gate", *sides, f"--policy={tmp_path / 'policy.yaml'}"]


def unread(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    """A command whose output goes into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)


@pytest.mark.slow
@pytest.mark.parametrize("rules", [1, 200])
def test_a_gate_that_nobody_reads_on_is_no_pass(
    gate: list[str], tmp_path: Path, rules: int
) -> None:
    """Neither where all output is still to be flushed, nor where it is more than a buffer holds."""
    head, line = POLICY.rsplit("  - ", 1)
    (tmp_path / "policy.yaml").write_text(head + f"  - {line}" * rules)
    done = unread([*gate, f"--output=junit={tmp_path / 'gate.xml'}"])
    assert done.returncode == 4
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert (tmp_path / "gate.xml").exists()


@pytest.mark.slow
def test_an_answer_of_which_the_output_is_all_may_stay_unread() -> None:
    assert unread([*COMMAND, "schema"]).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_leads_to_nowhere(gate: list[str], tmp_path: Path, closed: str) -> None:
    """Not into the first file that the lab opens: here the gate's own output."""
    out = tmp_path / "gate.json"
    words = [*gate, f"--output=json={out}"]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *words], capture_output=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert b"Traceback" not in done.stderr
    assert json.loads(out.read_text())["schema"] == "lab.gate/1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--resume", "R", "--engine", "podman"], "--engine beside --resume"),
        (["run", "--resume", "R", "--seed", "0"], "--seed beside --resume"),
        (["run", "--resume", "R", "--rounds", "9"], "--rounds beside --resume"),
        (["run", "--append", "R", "--engine", "podman"], "--engine beside --append"),
        (["run", "s.yaml", "--seed", "-1"], "argument --seed: '-1'"),
        (["run", "s.yaml", "--seed", str(2**63)], "argument --seed: '9223372036854775808'"),
        (["calibrate", "--run", "R", "--rounds", "3"], "--rounds beside --run"),
        (["calibrate", "--run", "R", "--engine", "podman"], "--engine beside --run"),
        (["compare", "--run", "R", "a", "b", "--seed", "0"], "--seed beside --run"),
        (["compare", "R", "S", "R"], "'R' is named twice"),
        (["gate", "--baseline", "R", "--candidate", "S", "--slowdown", "9"], "--slowdown without"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code and output of a command."""
    with pytest.raises(SystemExit) as ended:
        main.main(list(words))
    captured = capsys.readouterr()
    return int(str(ended.value.code)), captured.out, captured.err


def test_every_command_stands_in_one_group_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(commands.__file__).parent
    modules = {path.stem.rstrip("_") for path in folder.glob("*.py")} - {"__init"}
    listed = [name for group in commands.GROUPS.values() for name in group]
    assert sorted(listed) == sorted(modules)
    code, out, _ = said(capsys, "--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in listed)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_lab_alone_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys)
    assert (code, out) == (2, "")
    assert "Try: lab advise Dockerfile" in err
    assert "\n  advise " in err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("complie", "compare"),
        ("hlep", "help"),
        ("Dockerfile", "run --dockerfile Dockerfile"),
        ("a/lab.yaml", "run a/lab.yaml"),
    ],
)
def test_an_unknown_command_is_told_which_was_meant(
    capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    code, _, err = said(capsys, typed)
    assert code == 2
    assert f"lab {meant}`" in err


def test_help_of_a_command_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "help", "advise") == said(capsys, "advise", "--help")


def test_the_lab_is_a_module_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("lab ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(
    capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    code, out, _ = said(capsys, "completion", shell)
    assert code == 0
    assert all(word in out for word in ("advise", "build-arg", "history"))


@pytest.mark.slow
def test_bash_completes_a_command_for_real() -> None:
    """By bash itself: what it would offer after `lab his`."""
    script = (
        'eval "$(lab completion bash)"; COMP_WORDS=(lab his); COMP_CWORD=1; COMP_LINE="lab his"; '
        'COMP_POINT=7; $(complete -p lab | sed "s/.*-F \\([^ ]*\\).*/\\1/") lab his lab; '
        'echo "${COMPREPLY[@]}"'
    ).replace("lab completion", f"{sys.executable} -m lab completion")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["history"], done.stderr


@pytest.mark.slow
def test_a_comparison_in_markdown_is_a_report_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of runs as of images; and by the spelling that it had for those alone."""
    for name in ("old", "new"):
        record(tmp_path / name, [], builds=[build(at, 10.0 + at / 10) for at in range(1, 9)])
    sides = ["compare", str(tmp_path / "old"), str(tmp_path / "new")]
    code, out, _ = said(capsys, *sides, "--format", "markdown")
    assert (code, out.startswith("# "), "| --- |" in out) == (0, True, True)
    assert said(capsys, *sides, "--markdown") == (0, out, "")
    file = tmp_path / "table.json"
    code, text, _ = said(capsys, *sides, "--format", f"json={file}")
    assert (code, set(json.loads(file.read_text()))) == (0, {"table"})
    assert "old" in text


def test_a_dockerfile_behind_two_bases_is_built_on_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Scenario] = []

    def ran(scenario: Scenario, _: object) -> None:
        asked.append(scenario)
        raise InputError("this test builds nothing")

    monkeypatch.setattr(compare, "run_scenario", ran)
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY a /\n")
    (tmp_path / "a").write_text("a")
    words = ["compare", "--axis", "base", "bookworm", "trixie", str(tmp_path / "Dockerfile")]
    assert said(capsys, *words)[0] == 2
    (scenario,) = asked
    assert scenario.axes["base"] == ("bookworm", "trixie")
    assert "cold" in scenario.phases
    assert scenario.axes["engine"] == ("docker", "podman")
    assert said(capsys, *words, "--engine", "podman")[0] == 2
    assert asked.pop().axes["engine"] == ("podman",)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /\n")
    code, _, err = said(capsys, *words)
    assert (code, "no build argument BASE" in err, len(asked)) == (2, True, 1)
    assert "FROM $BASE" in err, "ARG alone would build both on the base that stands there"
