"""Runs that lab 0.1 recorded on real engines are still read, and the same is said of them.

tests/fixtures/runs-0.1 holds two: six rounds on docker and podman, and one on podman whose edit
breaks a step and that a kill -9 ended in round 3. Host paths are replaced in them; logs and
contexts are left out. Ratios, causes and refusals expected here are those that lab 0.1.0 itself
gave of them; their words and order have changed since.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.cli import main
from lab.results import store

FIXTURES = Path(__file__).parents[2] / "fixtures" / "runs-0.1"
WHOLE, BROKEN = "two-engines", "broken-step"
Lab = Callable[..., tuple[int, str, str]]
POLICY = """\
name: old
degraded: use-unfit
rules:
  - {metric: hit_rate, after: "edit:message", absolute: 0.1 points}
  - {metric: image_size, relative: 1%}
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES, tmp_path / "results"))


@pytest.fixture
def lab(results: Path, capsys: pytest.CaptureFixture[str]) -> Lab:
    """A command over the results; its exit code, its output and what it says of errors."""

    def called(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main.main([*map(str, words), "--results", str(results)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return called


def test_records_are_loaded_whole(results: Path) -> None:
    whole, broken = (store.load(name, results) for name in (WHOLE, BROKEN))
    assert (whole.run.status, whole.run.builds, len(whole.builds)) == ("complete", 36, 36)
    assert [engine.name for engine in whole.run.engines] == ["docker", "podman"]
    assert whole.run.options.engines == ("docker", "podman")
    assert {build.status for build in whole.builds} == {"ok"}
    assert (broken.run.status, len(broken.builds)) == ("partial", 7)
    failed = [build for build in broken.builds if build.status == "failed"]
    assert [build.round for build in failed] == [1, 2]
    assert all("input.txt is not ready" in (build.log_tail or "") for build in failed)
    assert all(
        build.wall_s and build.cpu_s and build.fit and build.steps and build.disturbance
        for build in whole.builds
    )


def test_engines_are_compared(lab: Lab) -> None:
    words = ("compare", "--run", WHOLE, "docker", "podman", "--axis", "engine", "--with-degraded")
    code, out, _ = lab(*words)
    assert code == 0
    for ratio in ("4.3 times", "26.8 times", "4.1 times"):
        assert ratio in " ".join(out.split())
    assert lab(*words, "--json")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [WHOLE, BROKEN])
@pytest.mark.parametrize("kind", ["html", "md", "json", "csv", "junit"])
def test_reports_are_made(lab: Lab, name: str, kind: str) -> None:
    code, out, _ = lab("report", name, "--format", kind, "--output", "-")
    assert code == 0
    assert ("input.txt is not ready" in out) == (name == BROKEN)


def test_causes_are_those_that_were_told_then(lab: Lab) -> None:
    code, out, err = lab("explain", WHOLE, "--phase", "edit:message")
    assert (code, err) == (0, "")
    assert out.count("miss  1 file changed (main.txt content)") == 12
    code, out, err = lab("explain", BROKEN)
    assert (code, err) == (0, "")
    assert out.count("COPY input.txt /input.txt: 1 file changed (input.txt content)") == 2
    assert out.count("COPY input.txt /input.txt: cold build: the cache was passed over") == 2


def test_trends_hold_them(lab: Lab, results: Path) -> None:
    code, _, err = lab("history")
    assert code == 2
    assert "no build of 2 runs" in err  # the machine was busy, and the records say so
    for path in results.glob("*/builds.jsonl"):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [json.dumps(one | {"fit": "fit"}) + "\n" for one in records]
        path.write_text("".join(lines))
    code, out, _ = lab("history", "--json")
    assert code == 0
    points = {point["run"] for series in json.loads(out)["series"] for point in series["points"]}
    assert points == {WHOLE, BROKEN}


def test_the_gate_takes_them_as_baselines(lab: Lab, results: Path, tmp_path: Path) -> None:
    earlier = Path(shutil.copytree(results / WHOLE, results / "earlier"))
    head = json.loads((earlier / "run.json").read_text())
    (earlier / "run.json").write_text(json.dumps(head | {"id": "earlier"}))
    (tmp_path / "policy.yaml").write_text(POLICY)
    words = ("gate", "--policy", tmp_path / "policy.yaml", "--candidate", WHOLE, "--baseline")
    assert lab(*words, "earlier")[0] == 0
    code, _, err = lab(*words, BROKEN)
    assert code == 2
    assert "it stopped before its end" in err
    assert "5 of its 12 builds are not in builds.jsonl" in err
