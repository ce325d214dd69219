"""What the gate says where no policy is named, and of figures that only one side has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.model.record import Build
from tests.factories import build, noisy
from tests.gate_runs import CANNOT_TELL, FAIL, PASS, REFUSED, Gate, record

MEMORY = "name: mem\nrules:\n  - {metric: peak_memory, limit: 1.2GB}\n"


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    return Gate(tmp_path, capsys)


def sides(folder: Path, old: Sequence[Build], new: Sequence[Build]) -> tuple[str, str]:
    record(folder / "old", [], builds=old)
    record(folder / "new", [], builds=new)
    return f"--baseline={folder / 'old'}", f"--candidate={folder / 'new'}"


def builds(count: int, seed: int, middle: float = 20.0, **changes: object) -> list[Build]:
    return [
        replace(build(number, wall), **changes)  # type: ignore[arg-type]  # a build's own fields
        for number, wall in enumerate(noisy(middle, count, seed), 1)
    ]


def by_default(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["gate", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize("rounds", [3, 5, 10])
def test_two_equal_runs_pass_where_no_policy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rounds: int
) -> None:
    words = sides(tmp_path, builds(rounds, 1), builds(rounds, 2))
    code, out, err = by_default(capsys, *words)
    assert (code, err) == (PASS, ""), out
    for metric in ("go_benchmark", "coverage"):
        assert f"{metric}: neither side has a figure of it" in out


def test_by_default_a_slower_run_fails_and_lost_coverage_is_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = sides(tmp_path, builds(8, 1), builds(8, 2, middle=30.0))
    assert by_default(capsys, *words)[0] == FAIL
    profile = tmp_path / "old.cov"
    profile.write_text("mode: set\nx/a.go:1.1,2.2 1 1\n")
    words = sides(tmp_path / "again", builds(8, 1), builds(8, 2))
    code, out, _ = by_default(capsys, *words, f"--baseline={profile}")
    assert code == CANNOT_TELL
    assert "the candidate has no figure of it, only the baseline has" in " ".join(out.split())


def test_what_only_the_baseline_has_is_not_measured_by_nobody(tmp_path: Path, gate: Gate) -> None:
    old, new = builds(4, 1, peak_memory_bytes=300_000_000), builds(4, 2)
    code, out, err = gate(*sides(tmp_path, old, new), policy=MEMORY)
    said = " ".join(f"{out} {err}".split())
    assert code == CANNOT_TELL
    assert "nobody measured it" not in said
    assert "the candidate has no figure of it, only the baseline has" in said
    assert (
        "next: measure peak_memory in the candidate too; or say in the policy how that counts"
        in said
    )
    code, out, _ = gate(*sides(tmp_path / "swapped", new, old), policy=MEMORY)
    assert code in {PASS, CANNOT_TELL}
    assert "300" in out, "a limit needs no baseline"
    code, out, err = gate(*sides(tmp_path / "none", new, builds(4, 3)), policy=MEMORY)
    assert (code, "nobody measured it" in " ".join(f"{out} {err}".split())) == (CANNOT_TELL, True)


def test_a_policy_may_leave_out_what_neither_side_has(tmp_path: Path, gate: Gate) -> None:
    words = sides(tmp_path, builds(4, 1), builds(4, 2))
    both = MEMORY + "  - {metric: wall, relative: +12%}\n"
    assert gate(*words, policy=both)[0] == CANNOT_TELL
    assert gate(*words, policy="unmeasured: leave-out\n" + both)[0] == PASS
    # nothing judged is no pass
    assert gate(*words, policy="unmeasured: leave-out\n" + MEMORY)[0] == CANNOT_TELL
    # nor does it hide a mistake in the policy
    wrong = both.replace("limit: 1.2GB", "limit: 1.2GB, after: nosuch")
    assert gate(*words, policy="unmeasured: leave-out\n" + wrong)[0] == CANNOT_TELL


def test_runs_that_share_no_cell_are_refused_in_one_line(tmp_path: Path, gate: Gate) -> None:
    old = builds(3, 1, cell={"engine": "docker", "layout": "default"})
    new = builds(3, 2, cell={"engine": "podman", "layout": "default"})
    code, out, err = gate(*sides(tmp_path, old, new))
    assert (code, out) == (REFUSED, "")
    assert "share no cell" in err
    assert "engine was docker and is podman" in err
    assert "layout" not in err
    assert len(err.splitlines()) == 2, "with its next step"
