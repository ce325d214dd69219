"""The snippets of docs/gate.md, run as their CI systems run them, on a repository of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import yaml

from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.host.paths import cache_dir
from tests.e2e.conftest import LAB, ROOT
from tests.published_schemas import refused

GO = "1.22.10"
BLOCKS = re.compile(r"^```(\w+)\n(?:#|//) ([\w./-]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SNIPPETS = {name: text for _, name, text in BLOCKS.findall((ROOT / "docs/gate.md").read_text())}
GITHUB: dict[str, Any] = yaml.safe_load(SNIPPETS[".github/workflows/gate.yml"])
GITLAB: dict[str, Any] = yaml.safe_load(SNIPPETS[".gitlab-ci.yml"])
GROOVY_SH = re.compile(r"sh(?:\((.*?script: )| )'([^']*)'")
POLICY = """\
name: snippet
cannot_tell: pass
rules:
  - {metric: coverage, absolute: -0.5 points}
  - {metric: go_benchmark, benchmarks: BenchmarkSum, unit: B/op, relative: +8%}
  - {metric: wall, relative: +12%}
"""
BUILD = """\
name: snippet
engines: [simulated]
workload: {context: own}
phases: [cold]
rounds: 7
"""
DOCKERFILE = "FROM scratch\nRUN sleep 1\n"
SUM = """\
package a

func Sum(n int) (sum int) {
	for i := range n {
		sum += i
	}
	return sum
}
"""
SUM_TEST = """\
package a

import "testing"

func TestSum(t *testing.T) {
	if Sum(4) != 6 {
		t.Fatal(Sum(4))
	}
}

func BenchmarkSum(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		Sum(1000)
	}
}
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """A user's repository with a baseline that the main branch left."""

    folder: Path
    environment: Mapping[str, str]

    def shell(self, script: str, *shell: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(shell or ("bash", "-e")), "-c", script],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def slow_down(self) -> None:
        """What is pushed takes twice the time."""
        (self.folder / "own" / "Dockerfile").write_text(DOCKERFILE.replace("sleep 1", "sleep 2"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository once the main branch was measured."""
    go = homes.install(Home(cache_dir() / "goroots"), GO, say=lambda _: None) / "bin" / "go"
    folder, programs = tmp_path_factory.mktemp("main"), tmp_path_factory.mktemp("programs")
    shim = programs / "lab"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{LAB[-1]}" "$@"\n')
    shim.chmod(0o755)
    (programs / "go").symlink_to(go)
    for name, text in {
        "goroot.sh": SNIPPETS["goroot.sh"],
        "policies/field.yaml": POLICY,
        "build.yaml": BUILD,
        "own/Dockerfile": DOCKERFILE,
        "go.mod": "module example.org/a\n\ngo 1.22\n",
        "a.go": SUM,
        "a_test.go": SUM_TEST,
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    inherited = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    made = Repository(
        folder,
        inherited
        | {
            "PATH": f"{programs}:{inherited['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GOCACHE": str(cache_dir() / "gocache"),
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=mod -benchtime=10x",
            "RUNNER_TEMP": str(programs),
            "GITHUB_STEP_SUMMARY": str(programs / "summary.md"),
        },
    )
    measure = _github("measure").replace("new.", "old.")
    done = made.shell(f"{measure}\nmkdir baseline; mv old.txt old.cov baseline/")
    assert done.returncode == 0, done.stderr
    (run,) = folder.glob("results/*")
    run.rename(folder / "baseline" / "run")
    return made


@pytest.fixture
def repository(measured: Repository, tmp_path: Path) -> Repository:
    folder = tmp_path / "branch"
    shutil.copytree(measured.folder, folder)
    return Repository(folder, {**measured.environment, "RUNNER_TEMP": str(tmp_path)})


def _github(name: str) -> str:
    steps = GITHUB["jobs"]["gate"]["steps"]
    return str(next(step["run"] for step in steps if step.get("name") == name))


def test_the_steps_of_github_actions_say_what_the_gate_says(repository: Repository) -> None:
    measured = repository.shell(_github("measure"))
    assert measured.returncode == 0, measured.stderr
    gate = repository.shell(_github("gate"))
    assert gate.returncode == 0, gate.stdout + gate.stderr
    assert "::notice title=lab gate::gate snippet: pass" in gate.stdout
    assert repository.shell(_github("say it in the summary")).returncode == 0
    summary = Path(repository.environment["GITHUB_STEP_SUMMARY"])
    assert "gate snippet: pass" in summary.read_text()


def test_a_gate_that_refuses_leaves_the_summary_s_step_well(repository: Repository) -> None:
    shutil.rmtree(repository.folder / "baseline" / "run")
    assert repository.shell(_github("gate")).returncode == 2
    assert repository.shell(_github("say it in the summary")).returncode == 0


def test_the_script_of_gitlab_writes_both_reports(repository: Repository) -> None:
    repository.slow_down()
    job = GITLAB["gate"]
    done = repository.shell("\n".join(job["script"]))
    assert done.returncode == 4, done.stdout + done.stderr
    reports = job["artifacts"]["reports"]
    suite = Xml.parse(repository.folder / reports["junit"]).getroot()  # noqa: S314 - the lab wrote it
    assert int(suite.get("failures", 0)) > 0
    issues = yaml.safe_load((repository.folder / reports["codequality"]).read_text())
    assert {one["severity"] for one in issues} >= {"major"}
    gate = repository.shell(_github("gate"))
    assert gate.returncode == 4, gate.stdout + gate.stderr
    assert "::error title=lab gate%2C wall::" in gate.stdout


def test_the_shell_of_jenkins_runs(repository: Repository) -> None:
    scripts = [script for _, script in GROOVY_SH.findall(SNIPPETS["Jenkinsfile"])]
    assert len(scripts) == 4
    ends = [repository.shell(script, "sh", "-xe") for script in scripts]
    assert [one.returncode for one in ends] == [0, 0, 0, 0], ends[-1].stderr
    assert Path(ends[0].stdout.strip(), "src", "fmt").is_dir()
    assert (repository.folder / "gate.xml").exists()


def test_the_go_root_is_found_where_go_itself_does_not_say(tmp_path: Path) -> None:
    (tmp_path / "go" / "src").mkdir(parents=True)
    mute = tmp_path / "go" / "bin" / "go"
    mute.parent.mkdir()
    mute.write_text("#!/bin/sh\nexit 2\n")
    mute.chmod(0o755)
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "go").symlink_to(mute)
    for path, code, said in (
        (f"{tmp_path}/path:/usr/bin:/bin", 0, str(tmp_path / "go")),
        ("/usr/bin:/bin", 1, "no Go root found"),
    ):
        if code and shutil.which("go", path=path):
            continue  # this machine has a Go of its own there
        done = subprocess.run(
            ["sh", "-e", "-c", SNIPPETS["goroot.sh"]],
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, (done.stdout + done.stderr).strip()) == (code, said)


@pytest.mark.parametrize(
    ("schema", "snippet"),
    [
        ("vendor.github-workflows", ".github/workflows/gate.yml"),
        ("vendor.gitlab-ci", ".gitlab-ci.yml"),
    ],
)
@pytest.mark.parametrize("spoilt", [False, True])
def test_the_snippets_keep_to_the_published_schemas(
    tmp_path: Path, schema: str, snippet: str, spoilt: bool
) -> None:
    path = tmp_path / "snippet.yml"
    text = SNIPPETS[snippet]
    path.write_text(text.replace("run:", "runs:").replace("script:", "scrpt:") if spoilt else text)
    reason = refused(path, schema)
    assert bool(reason) is spoilt, reason
