"""The gate as its user meets it: recorded good and bad runs in, exit codes out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from lab.model.record import Cache, Image, Step
from tests import junit
from tests.factories import build, noisy
from tests.gate_runs import CANNOT_TELL, FAIL, PASS, POLICY, REFUSED, Gate, record


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    return Gate(tmp_path, capsys)


@pytest.mark.parametrize(
    ("walls", "code"),
    [
        (noisy(10, seed=2), PASS),
        (noisy(9, seed=2), PASS),
        (noisy(13, seed=2), FAIL),
        (noisy(11.2, seed=2), CANNOT_TELL),
        (noisy(10, 1, seed=2), CANNOT_TELL),
    ],
    ids=["alike", "better", "worse", "at the limit", "one round"],
)
def test_recorded_runs_give_the_stated_exit_codes(
    gate: Gate, tmp_path: Path, walls: Sequence[float], code: int
) -> None:
    old = record(tmp_path / "old", noisy(10))
    new = record(tmp_path / "new", walls)
    found, out, err = gate("--baseline", old, "--candidate", new)
    assert found == code, out + err
    assert "gate tried: " in out
    assert ("lab: gate tried" in err) == (code != PASS)


def test_the_answer_keeps_to_80_columns_and_breaks_no_word(gate: Gate, tmp_path: Path) -> None:
    old, new = record(tmp_path / "old", [10.0] * 9), record(tmp_path / "new", [10.0 - 1e-9] * 9)
    code, out, _ = gate("--baseline", old, "--candidate", new)
    assert code == PASS
    assert max(map(len, out.splitlines())) <= 80
    assert "their rounds are compared as two samples, and what" in " ".join(out.split())
    assert "-0.0 %" not in out


def test_a_copy_of_a_run_is_the_same_run(gate: Gate, tmp_path: Path) -> None:
    old = record(tmp_path / "old", noisy(10))
    copy = shutil.copytree(old, tmp_path / "copy")
    code, out, err = gate("--baseline", copy, "--candidate", old)
    assert (code, out, "the same run" in err) == (REFUSED, "", True)


def test_counted_figures_need_no_second_round(gate: Gate, tmp_path: Path) -> None:
    policy = "name: size\nrules:\n  - {metric: image_size, absolute: 100 B}\n"
    old = record(tmp_path / "old", [1.0])
    for size, code in {1100: PASS, 1101: FAIL}.items():
        new = record(tmp_path / f"new{size}", [1.0], size=size)
        assert gate("--baseline", old, "--candidate", new, policy=policy)[0] == code


@pytest.mark.parametrize(
    ("counts", "code"), [("report", CANNOT_TELL), ("pass", PASS), ("fail", FAIL)]
)
def test_a_policy_says_how_doubt_counts(gate: Gate, tmp_path: Path, counts: str, code: int) -> None:
    old, new = record(tmp_path / "old", [10, 11]), record(tmp_path / "new", [10, 11])
    found, out, _ = gate(
        "--baseline", old, "--candidate", new, policy=f"cannot_tell: {counts}\n{POLICY}"
    )
    assert found == code
    assert "too few rounds" in out


def test_what_nobody_measured_is_not_passed(gate: Gate, tmp_path: Path) -> None:
    old, new = record(tmp_path / "old", noisy(1)), record(tmp_path / "new", noisy(1))
    policy = "name: memory\nrules:\n  - {metric: peak_memory, limit: 1.2GB}\n"
    code, out, err = gate("--baseline", old, "--candidate", new, policy=policy)
    assert code == CANNOT_TELL
    assert "no figure of peak_memory is on either side: nobody measured it" in out
    assert "next: name by --baseline and --candidate what measures peak_memory" in err


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("metric: wall, where: {engine: podmn}", "no build is engine=podmn"),
        ("metric: wall, after: 'edit:*'", "no build is after edit:*"),
        ("metric: step, steps: 'RUN mkae'", "no step is 'RUN mkae'"),
        ("metric: cpu", "nobody measured it"),
        ("metric: coverage", "nobody measured it"),
    ],
)
def test_a_rule_that_nothing_answers_says_why(
    gate: Gate, tmp_path: Path, rule: str, why: str
) -> None:
    old, new = record(tmp_path / "old", noisy(1)), record(tmp_path / "new", noisy(1))
    amount = "absolute: 1 points" if "coverage" in rule else "relative: 3%"
    policy = f"name: none\nrules:\n  - {{{rule}, {amount}}}\n"
    code, out, _ = gate("--baseline", old, "--candidate", new, policy=policy)
    assert (code, why in out) == (CANNOT_TELL, True), out


@pytest.mark.parametrize(
    ("rule", "why", "mend"),
    [
        ("metric: wall, where: {engin: docker}", "no axis is 'engin' (did you mean 'engine'?)",
         "correct where and after"),
        ("metric: wall, where: {engine: dokcer}", "(did you mean 'docker'?)",
         "correct where and after"),
        ("metric: wall, after: edit:sorce", "(did you mean 'edit:source'?)",
         "correct where and after"),
        ("metric: wall, where: {base: b, layout: tmpfs}", "no build is base=b, layout=tmpfs at",
         "correct where and after"),
        ("metric: step, steps: RUN mkae", "(did you mean 'RUN make'?)", "correct steps"),
        ("metric: wall, after: zzz", "(there is cold, edit:source)", "correct where and after"),
    ],
)  # fmt: skip
def test_a_name_that_no_build_has_is_told_with_the_nearest_and_what_to_mend(
    gate: Gate, tmp_path: Path, rule: str, why: str, mend: str
) -> None:
    builds = [
        replace(one, id=one.id + base, cell={"engine": "docker", "base": base, "layout": layout})
        for base, layout in {"b": "default", "c": "tmpfs"}.items()
        for one in (build(1, 1.0), build(1, 2.0, phase="edit:source"))
    ]
    old, new = (record(tmp_path / name, [], builds=builds) for name in ("old", "new"))
    policy = f"name: none\nrules:\n  - {{{rule}, relative: 3%}}\n"
    code, out, err = gate("--baseline", old, "--candidate", new, policy=policy)
    assert (code, why in " ".join(out.split())) == (CANNOT_TELL, True), out + err
    assert f"next: {mend} in line 3 of the policy" in " ".join(err.split())
    assert "what measures" not in err


def test_brackets_of_a_pattern_mean_themselves(gate: Gate, tmp_path: Path) -> None:
    step = Step(index=1, stage="0", instruction='COPY ["a b", "/c"]', outcome=None, duration_s=1.0)
    builds = [replace(build(at, 2.0), steps=(step,)) for at in range(1, 10)]
    old, new = (record(tmp_path / name, [], builds=builds) for name in ("old", "new"))
    policy = """name: copies
rules: [{metric: step, steps: 'COPY ["a*"]', relative: 5%}]
"""
    code, out, err = gate("--baseline", old, "--candidate", new, policy=policy)
    assert code == PASS, out + err


@pytest.mark.parametrize(
    ("degraded", "fit", "code"),
    [
        ("leave-out", "degraded: others", CANNOT_TELL),
        ("use", "degraded: others", PASS),
        ("use", "unfit: others", CANNOT_TELL),
        ("use-unfit", "unfit: others", PASS),
    ],
)
def test_a_policy_says_what_becomes_of_disturbed_builds(
    gate: Gate, tmp_path: Path, degraded: str, fit: str, code: int
) -> None:
    builds = [replace(build(at, wall), fit=fit) for at, wall in enumerate(noisy(1), 1)]
    old = record(tmp_path / "old", noisy(1))
    new = record(tmp_path / "new", [], builds=builds)
    policy = f"degraded: {degraded}\n{POLICY}"
    found, out, _ = gate("--baseline", old, "--candidate", new, policy=policy)
    assert found == code
    said = "10 of 10 builds of the candidate were disturbed and are left out of what"
    assert (said in out) == (code == CANNOT_TELL)


@pytest.mark.parametrize(
    ("hits", "size", "code"), [(3, 1000, PASS), (1, 1000, FAIL), (3, 2000, FAIL)]
)
def test_what_is_counted_stands_a_busy_machine(
    gate: Gate, tmp_path: Path, hits: int, size: int, code: int
) -> None:
    """All builds were disturbed: their times say nothing, how many steps hit says all."""
    policy = """name: counted
rules: [{metric: hit_rate, absolute: -5 points}, {metric: image_size, relative: 5 %}]
"""

    def run(name: str, hits: int, size: int) -> Path:
        made = replace(
            build(1, 10.0),
            fit="unfit: others",
            cache=Cache(hits=hits, misses=4 - hits, skipped=0),
            image=Image(id="sha256:1", size_bytes=size),
        )
        return record(tmp_path / name, [], builds=[made])

    old, new = run("old", 3, 1000), run("new", hits, size)
    found, out, err = gate("--baseline", old, "--candidate", new, policy=policy)
    assert found == code, out + err


def test_a_candidate_that_cannot_be_built_fails(gate: Gate, tmp_path: Path) -> None:
    old = record(tmp_path / "old", noisy(1))
    broken = replace(build(11, 1.0), status="failed", reason="make: no rule", wall_s=None)
    builds = [*(build(at, wall) for at, wall in enumerate(noisy(1), 1)), broken]
    new = record(tmp_path / "new", [], builds=builds)
    code, out, _ = gate("--baseline", old, "--candidate", new)
    assert (code, "make: no rule" in out) == (FAIL, True)


@pytest.mark.slow
def test_every_output_tells_the_same(gate: Gate, tmp_path: Path) -> None:
    old = record(tmp_path / "old", noisy(10))
    new = record(tmp_path / "new", noisy(14), size=1000)
    names = ["markdown", "junit", "github", "gitlab", "json"]
    wanted = [word for name in names for word in ("--output", f"{name}={tmp_path / name}")]
    assert gate("--baseline", old, "--candidate", new, *wanted)[0] == FAIL
    junit.hold((tmp_path / "junit").read_text())
    suite = Xml.parse(tmp_path / "junit").getroot()  # noqa: S314 - the lab wrote it
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    assert [case.find("failure") is not None for case in suite] == [True, False]
    issues = json.loads((tmp_path / "gitlab").read_text())
    assert [(one["severity"], one["location"]["lines"]["begin"]) for one in issues] == [
        ("major", 3)
    ]
    lines = (tmp_path / "github").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error"]
    assert "%25" in lines[1]
    told = json.loads((tmp_path / "json").read_text())
    assert (told["outcome"], len(told["findings"])) == ("fail", 2)
    assert "❌ fail" in (tmp_path / "markdown").read_text()


GO = """\
goos: linux
goarch: amd64
pkg: example.org/a
cpu: Model 1
{lines}
PASS
ok  \texample.org/a\t12.1s
"""


def go_bench(path: Path, times: Sequence[float]) -> Path:
    lines = "\n".join(f"BenchmarkParse-2 \t  1000\t  {time:.1f} ns/op\t 8 B/op" for time in times)
    path.write_text(GO.format(lines=lines))
    return path


def coverage(path: Path, covered: int) -> Path:
    blocks = [f"a/b.go:{n}.1,{n}.9 1 {int(n <= covered)}\n" for n in range(1, 201)]
    path.write_text("mode: set\n" + "".join(blocks))
    return path


FIELD = (Path(__file__).parents[3] / "policies" / "field.yaml").read_text()
GO_POLICY = FIELD.split("  - metric: wall")[0]


@pytest.mark.parametrize(
    ("slower", "covered", "code"),
    [(1.0, 160, PASS), (1.0, 159, PASS), (1.0, 158, FAIL), (1.04, 160, PASS), (1.15, 160, FAIL)],
)
def test_figures_of_go_tools_are_held_to_the_shipped_policy(
    gate: Gate, tmp_path: Path, slower: float, covered: int, code: int
) -> None:
    # A throughput of 1 / 1.15 is a loss of 13 %, one of 1 / 1.04 is a loss of 4 %.
    times = [1000 + number for number in range(10)]
    old = go_bench(tmp_path / "old.txt", times), coverage(tmp_path / "old.cov", 160)
    new = (
        go_bench(tmp_path / "new.txt", [time * slower for time in times]),
        coverage(tmp_path / "new.cov", covered),
    )
    words = [word for path in old for word in ("--baseline", path)]
    words += [word for path in new for word in ("--candidate", path)]
    found, out, err = gate(*words, policy=GO_POLICY)
    assert found == code, out + err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("mode: set\n", "without a statement"),
        ("mode: set\na/b.go:1.1,2.2 1\n", ":2:"),
        ("mode: set\na/b.go:1.1,2.2 1 1", "cut off"),
        ("mode: odd\na/b.go:1.1,2.2 1 1\n", ":1:"),
        ("goos: linux\nBenchmarkA-2 10 5.0 ns/op\n", "partial"),
        ("BenchmarkA-2 10 five ns/op\nPASS\n", "no number"),
        ("BenchmarkA-2 10 5.0 ns/op\n--- FAIL: TestB\n", "did not pass"),
        ("hello\n", "neither"),
        (GO.format(lines="BenchmarkA-2 10 5.0 ns/op").replace("Model 1", "Model 2"), "elsewhere"),
        (GO.format(lines="BenchmarkA-2 10 5.0 ns/op").replace("goos: linux\n", ""), "elsewhere"),
    ],
)
def test_spoilt_files_of_go_tools_are_refused(
    gate: Gate, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "old.txt").write_text(text)
    new = go_bench(tmp_path / "new.txt", [1000])
    policy = f"cannot_tell: pass\n{GO_POLICY.replace('cannot_tell: report', '')}"
    code, out, err = gate("--baseline", tmp_path / "old.txt", "--candidate", new, policy=policy)
    assert (code, out) == (REFUSED, "")
    assert why in err


BAD_POLICY = """\
name: bad
cannot_tell: pas
allow_other: [kernl]
rules:
  - {metric: wal, relative: 5%}
  - {metric: wall, relative: 5%, limit: 3s}
  - {metric: coverage, absolute: +1 points}
  - {metric: peak_memory, limit: 3s}
  - {metric: wall, relative: ten}
  - {metric: wall, steps: x, relative: 3%}
  - {metric: hit_rate}
  - {metric: wall, relative: ~}
"""


def test_every_mistake_of_a_policy_is_told_with_its_place(gate: Gate, tmp_path: Path) -> None:
    code, _, err = gate("--baseline", "x", "--candidate", "y", policy=BAD_POLICY)
    assert code == REFUSED
    places = [line.split("policy.yaml:")[1].split(": ")[0] for line in err.splitlines()[:-1]]
    assert [place.split(":")[0] for place in places] == [str(n) for n in range(2, 13) if n != 4]
    for nearest in ("'pass'", "'kernel'", "'wall'"):
        assert f"did you mean {nearest}" in err


def test_the_shipped_policy_states_what_the_field_uses() -> None:
    from lab.results.gate.policy_loader import load

    policy = load(Path(__file__).parents[3] / "policies" / "field.yaml")
    assert [(rule.metric, rule.kind, rule.amount) for rule in policy.rules] == [
        ("coverage", "absolute", pytest.approx(0.005)),
        ("go_benchmark", "relative", pytest.approx(0.08)),
        ("wall", "relative", pytest.approx(0.12)),
        ("peak_memory", "limit", pytest.approx(1.2e9)),
    ]
