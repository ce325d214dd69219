"""Files of Go's tools as projects have them: packages, sub-benchmarks, units of their own."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.gate_runs import CANNOT_TELL, FAIL, PASS, REFUSED, Gate

PACKAGES = {
    "example.org/app/parse": ("Parse/size=1.5MB-8", "Parse/size=10kB-8", "Parse/size=1.5MB-2"),
    "example.org/app/store.v2": ("Get/hit-rate=0.9/n=10-8", "Put"),
}


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    return Gate(tmp_path, capsys)


def output(units: Mapping[str, float] | None = None, slower: float = 1.0, seed: int = 1) -> str:
    """What `go test -bench . -count 10 -cpu 2,8 -cover ./...` prints of two packages."""
    rng = random.Random(seed)
    lines = []
    for package, names in PACKAGES.items():
        lines += ["goos: linux", "goarch: amd64", f"pkg: {package}", "cpu: Model 1"]
        for name in names:
            for _ in range(10):
                time = 1000 * slower * rng.uniform(0.99, 1.01)
                own = "".join(f"\t{value} {unit}" for unit, value in (units or {}).items())
                lines.append(f"Benchmark{name} \t 1000\t {time:.1f} ns/op{own}\t 128 B/op")
        lines += ["PASS", "coverage: 71.4% of statements", f"ok  \t{package}\t12.1s"]
    return "\n".join([*lines, "?   \texample.org/app/cmd\t[no test files]", ""])


def sides(tmp_path: Path, old: str, new: str) -> list[str | Path]:
    (tmp_path / "old.txt").write_text(old)
    (tmp_path / "new.txt").write_text(new)
    return ["--baseline", tmp_path / "old.txt", "--candidate", tmp_path / "new.txt"]


def policy(rule: str) -> str:
    return f"name: go\nrules:\n  - {{metric: go_benchmark, {rule}}}\n"


@pytest.mark.parametrize(
    ("pattern", "judged"),
    [
        ("*", 5),
        ("BenchmarkParse*", 3),
        ("BenchmarkParse/size=1.5MB-*", 2),
        ("BenchmarkGet/hit-rate=0.9/*", 1),
        ("example.org/app/store.v2.*", 2),
        ("BenchmarkPut", 1),
    ],
)
def test_benchmarks_are_named_with_their_package_or_without(
    gate: Gate, tmp_path: Path, pattern: str, judged: int
) -> None:
    words = sides(tmp_path, output(), output(slower=1.2, seed=2))
    asked = policy(f"benchmarks: '{pattern}', relative: 8%")
    code, out, _ = gate(*words, "--output", "json", policy=asked)
    findings = json.loads(out)["findings"]
    assert (code, len(findings)) == (FAIL, judged)
    assert {one["outcome"] for one in findings} == {"fail"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("benchmarks: BenchmarkPars, relative: 8%", "no benchmark is 'BenchmarkPars'"),
        ("unit: hat/op, relative: 8%", "no benchmark reports 'hat/op', only ns/op, B/op"),
    ],
)
def test_a_rule_that_no_benchmark_answers_says_why_and_what_to_mend(
    gate: Gate, tmp_path: Path, rule: str, why: str
) -> None:
    code, out, err = gate(*sides(tmp_path, output(), output()), policy=policy(rule))
    assert (code, why in " ".join(out.split())) == (CANNOT_TELL, True), out
    assert f"next: correct {rule.partition(':')[0]} in line " in err


@pytest.mark.parametrize("lost", [1, 8, 15])
def test_an_output_cut_off_in_a_later_package_is_refused(
    gate: Gate, tmp_path: Path, lost: int
) -> None:
    lines = output().splitlines(keepends=True)
    assert lines[-3] == "PASS\n" or "PASS\n" in lines[-4:]
    end = len(lines) - 4  # the last package's PASS
    cut = "".join(lines[: end - lost + 1])
    code, out, err = gate(*sides(tmp_path, cut, output()), policy=policy("relative: 8%"))
    assert (code, out, "it is partial: it stops before PASS" in err) == (REFUSED, "", True)


@pytest.mark.parametrize(
    ("rule", "old", "new", "code"),
    [
        ("unit: hits/op, relative: -8%", 0.9, 0.8, FAIL),
        ("unit: hits/op, relative: -8%", 0.9, 0.89, PASS),
        ("unit: hits/op, relative: -8%", 0.9, 0.99, PASS),
        ("unit: hits/op, relative: 8%", 0.9, 0.99, FAIL),
        ("unit: hits/op, absolute: -0.05", 0.9, 0.8, FAIL),
        ("unit: hits/op, limit: 0.95", 0.9, 0.94, PASS),
        ("unit: hits/op, absolute: 0.1", -0.5, -0.3, FAIL),
        ("unit: hits/op, absolute: 0.1", -0.5, -0.45, PASS),
        ("unit: hits/op, relative: 8%", -0.5, 0.5, CANNOT_TELL),
    ],
)
def test_of_a_unit_of_its_own_the_sign_says_what_is_worse(
    gate: Gate, tmp_path: Path, rule: str, old: float, new: float, code: int
) -> None:
    words = sides(tmp_path, output({"hits/op": old}), output({"hits/op": new}))
    found, out, err = gate(*words, policy=policy(rule))
    assert found == code, out + err


@pytest.mark.parametrize("unit", ["ns/op", "B/op", "throughput", "MB/s", "rows/s"])
def test_of_known_units_only_the_bad_direction_may_be_signed(
    gate: Gate, tmp_path: Path, unit: str
) -> None:
    wrong = "-8%" if unit in {"ns/op", "B/op"} else "+8%"
    words = sides(tmp_path, output(), output())
    code, _, err = gate(*words, policy=policy(f"unit: {unit}, relative: {wrong}"))
    assert (code, "go_benchmark is worse" in err) == (REFUSED, True), err


def test_modes_of_coverage_count_what_ran_and_each_block_once(gate: Gate, tmp_path: Path) -> None:
    blocks = "example.org/a/my file.go:1.1,2.2 3 0\nexample.org/a/my file.go:1.1,2.2 3 {}\n"
    rest = "example.org/b/b.go:1.1,9.2 7 0\n"
    for mode, times in {"set": 1, "count": 17, "atomic": 4_000_000_000}.items():
        text = f"mode: {mode}\n{blocks.format(times)}{rest}"
        words = sides(tmp_path, text, text)
        asked = "name: c\nrules: [{metric: coverage, absolute: -0.5 points}]\n"
        code, out, _ = gate(*words, "--output", "json", policy=asked)
        assert code == PASS
        assert json.loads(out)["findings"][0]["candidate"] == pytest.approx(0.3)


def test_a_side_may_come_through_a_pipe(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text(output())
    ends = os.pipe()
    try:
        os.write(ends[1], output(seed=2).encode())
        os.close(ends[1])
        pipe, new = f"/dev/fd/{ends[0]}", tmp_path / "new.txt"
        asked = policy("relative: 8%")
        assert gate("--baseline", pipe, "--candidate", new, policy=asked)[0] == PASS
    finally:
        os.close(ends[0])
