"""What the gate refuses: a baseline that is empty, partial, corrupt, or of another host."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.factories import ENGINE, HOST, build, noisy
from tests.gate_runs import PASS, POLICY, REFUSED, Gate, record


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    return Gate(tmp_path, capsys)


def empty_file(folder: Path) -> Path:
    (folder / "builds.jsonl").write_bytes(b"")
    return folder


def no_records_file(folder: Path) -> Path:
    (folder / "builds.jsonl").unlink()
    return folder


def empty_folder(folder: Path) -> Path:
    for path in folder.iterdir():
        path.unlink()
    return folder


def torn(folder: Path) -> Path:
    path = folder / "builds.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    return folder


def corrupt_line(folder: Path) -> Path:
    path = folder / "builds.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"round"', b'"rownd"', 1))
    return folder


def corrupt_head(folder: Path) -> Path:
    (folder / "run.json").write_text("{")
    return folder


def partial(folder: Path) -> Path:
    path = folder / "run.json"
    path.write_text(path.read_text().replace('"complete"', '"partial"'))
    return folder


def a_phase_short(folder: Path) -> Path:
    builds = [build(at, 10.0, phase=phase) for at in range(1, 9) for phase in ("cold", "rebuild")]
    return record(folder.parent / "short", [], builds=builds[:-1])


def rounds_cut_off(folder: Path) -> Path:
    """Whole rounds are gone from the end, and the head says how many builds there were."""
    _head(folder, builds=10)
    return _cut(folder)


def rounds_cut_off_an_earlier_lab_s(folder: Path) -> Path:
    """As before, of a lab that did not count builds: its options say how many rounds it took."""
    _head(folder, options={"rounds": 10, "until": None, "warm_up": 0})
    return _cut(folder)


def _head(folder: Path, **fields: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def _cut(folder: Path) -> Path:
    path = folder / "builds.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:7]))
    return folder


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (rounds_cut_off, "partial: 3 of its 10 builds"),
        (rounds_cut_off_an_earlier_lab_s, "partial: 3 of its 10 builds"),
        (empty_file, "empty"),
        (no_records_file, "empty"),
        (empty_folder, "empty"),
        (torn, "partial"),
        (partial, "partial"),
        (a_phase_short, "partial"),
        (corrupt_line, "builds.jsonl:1: not a record"),
        (corrupt_head, "run.json:1: not a record"),
    ],
)
@pytest.mark.parametrize("doubt", ["report", "pass"])
def test_a_spoilt_baseline_is_refused_whatever_the_policy(
    gate: Gate, tmp_path: Path, spoil: Callable[[Path], Path], why: str, doubt: str
) -> None:
    old = spoil(record(tmp_path / "old", noisy(10)))
    new = record(tmp_path / "new", noisy(10))
    code, out, err = gate(
        "--baseline", old, "--candidate", new, policy=f"cannot_tell: {doubt}\n{POLICY}"
    )
    assert (code, out) == (REFUSED, "")
    assert why in err


@pytest.mark.parametrize(
    ("words", "said", "next_step"),
    [
        (["--baseline", "/dev/null"], "is empty", "go test -bench"),
        (["--format", "junit="], "no file is named", "--format junit=FILE"),
    ],
)
def test_a_refusal_says_the_next_step(
    gate: Gate, tmp_path: Path, words: list[str], said: str, next_step: str
) -> None:
    run = record(tmp_path / "new", noisy(10))
    code, _, err = gate("--candidate", run, *words)
    assert (code, said in err) == (REFUSED, True)
    assert next_step in err.partition("next:")[2]


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("kernel", "6.2.0"),
        ("cpu_model", "Model 2"),
        ("cpus", 4),
        ("memory_bytes", 4_000_000_000),
        ("cgroup", "v1"),
        ("filesystem", "xfs"),
        ("kernel", None),
    ],
)
def test_a_baseline_of_another_host_is_refused(
    gate: Gate, tmp_path: Path, fact: str, value: object
) -> None:
    host = replace(HOST, **{fact: value})  # type: ignore[arg-type]  # every fact in its type
    old = record(tmp_path / "old", noisy(10), host=host)
    new = record(tmp_path / "new", noisy(10))
    code, out, err = gate("--baseline", old, "--candidate", new)
    assert (code, out) == (REFUSED, "")
    assert "elsewhere" in err
    assert fact in err
    allowed = f"allow_other: [{fact}]\n{POLICY}"
    assert gate("--baseline", old, "--candidate", new, policy=allowed)[0] == PASS


def test_a_baseline_of_another_engine_or_scenario_is_refused(gate: Gate, tmp_path: Path) -> None:
    new = record(tmp_path / "new", noisy(10))
    older = record(tmp_path / "older", noisy(10), engine=replace(ENGINE, version="25.0"))
    code, _, err = gate("--baseline", older, "--candidate", new)
    assert (code, "docker: version was 25.0 and is 26.1" in err) == (REFUSED, True)
    other = record(tmp_path / "other", noisy(10), scenario="another")
    code, _, err = gate("--baseline", other, "--candidate", new)
    assert (code, "'another'" in err) == (REFUSED, True)
    code, _, err = gate("--baseline", new, "--candidate", new)
    assert (code, "the same run" in err) == (REFUSED, True)
    assert gate("--baseline", tmp_path / "none", "--candidate", new)[0] == REFUSED


def test_memory_may_differ_by_what_a_kernel_keeps(gate: Gate, tmp_path: Path) -> None:
    old = record(tmp_path / "old", noisy(10), host=replace(HOST, memory_bytes=7_990_000_000))
    assert gate("--baseline", old, "--candidate", record(tmp_path / "new", noisy(10)))[0] == PASS
