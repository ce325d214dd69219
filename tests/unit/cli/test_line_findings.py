"""`lab advise` and `lab predict` for CI systems: places, forms, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.errors import FindingsFound, InputError
from tests.unit.report.test_ci_formats import runner

DOCKERFILE = """\
FROM golang:1.24
WORKDIR /src
COPY . .
RUN go mod download
RUN go build -o /app ./...
"""
PLAIN = "FROM golang:1.24\nCOPY main.go /\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a project in a folder of it; commands are given in a folder beside."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "svc" / "api"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "go.mod").write_text("module x\n\ngo 1.24\n")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    (tmp_path / "ci").mkdir()
    monkeypatch.chdir(tmp_path / "ci")
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main.main(list(words))
    captured = capsys.readouterr()
    return int(str(ended.value.code)), captured.out, captured.err


def test_advice_stands_at_the_line_by_its_path_in_the_repository(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, "advise", "../svc/api/Dockerfile", "--format", "github")
    kind, properties, message = runner(out.rstrip("\n"))
    assert (code, kind) == (0, "warning")
    assert properties["file"] == "svc/api/Dockerfile"
    moved = DOCKERFILE.splitlines().index("RUN go mod download") + 1
    assert (properties["line"], properties["endLine"]) == (str(moved), str(moved))
    assert "\n+RUN go mod download\n COPY . .\n-RUN go mod download\n" in message


def test_every_form_is_written_and_the_text_is_still_printed(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("json", "markdown", "github", "gitlab", "sarif")
    wanted = [word for name in names for word in ("--format", f"{name}={tmp_path / name}")]
    code, out, err = said(capsys, "advise", str(project / "Dockerfile"), *wanted)
    assert (code, err.count(str(tmp_path))) == (0, 5)
    assert out.startswith("dependencies before sources: ")
    assert "+RUN go mod download" in (tmp_path / "markdown").read_text()
    (advice,) = json.loads((tmp_path / "json").read_text())
    assert (advice["dockerfile"], advice["claimed"]) == ("svc/api/Dockerfile", True)
    (issue,) = json.loads((tmp_path / "gitlab").read_text())
    assert issue["location"] == {"path": "svc/api/Dockerfile", "lines": {"begin": 4}}
    (result,) = json.loads((tmp_path / "sarif").read_text())["runs"][0]["results"]
    assert result["level"] == "warning"


@pytest.mark.parametrize(
    ("level", "code"), [("error", 0), ("warning", FindingsFound.exit_code), ("note", 14)]
)
def test_the_exit_code_is_what_fail_on_asks_for(
    project: Path, capsys: pytest.CaptureFixture[str], level: str, code: int
) -> None:
    file = str(project / "Dockerfile")
    ended, out, err = said(capsys, "advise", file, "--fail-on", level)
    assert ended == code
    assert out.startswith("dependencies before sources: ")
    assert ("svc/api/Dockerfile:4: warning: dependencies before sources" in err) is bool(code)


def test_predictions_are_notes_and_what_ends_the_build_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{DOCKERFILE}COPY nowhere /x\nRUN --mount=type=cache,target=/c true\n"
    (project / "Dockerfile").write_text(text)
    words = ["predict", str(project / "Dockerfile"), "--edit", "main.go", "--format", "github"]
    code, out, err = said(capsys, *words, "--fail-on", "error")
    found = [runner(line) for line in out.splitlines()]
    told = {(kind, properties["line"]): message for kind, properties, message in found}
    assert "the context has no nowhere" in told["error", "6"]
    assert told["warning", "7"].startswith("docker-classic has no RUN --mount")
    assert told["notice", "3"] == (
        "after an edit of main.go, docker and podman: would run again, "
        "1 file changed (main.go content); 4 steps below it would run too"
    )
    assert (code, "svc/api/Dockerfile:6: error: " in err) == (14, True)
    words[-1:] = ["markdown", "--engine", "docker"]
    code, out, _ = said(capsys, *words)
    assert out.startswith("### svc/api/Dockerfile: what would run again\n")
    assert [line.split(" ")[3] for line in out.splitlines()[2:]] == ["6:", "3:"]


def test_the_folder_s_own_dockerfile_need_not_be_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    for command, begin in (("advise", "dependencies before sources"), ("predict", "built again")):
        code, out, _ = said(capsys, command)
        assert (code, out.startswith(begin)) == (0, True)


def test_several_dockerfiles_are_asked_at_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = project.parent / "Dockerfile"
    other.write_text("FROM a\nRUNN x\n")
    (project / "Plainfile").write_text(PLAIN)
    files = [str(project / "Dockerfile"), str(other), str(project / "Plainfile")]
    code, out, err = said(capsys, "advise", *files, "--format", "github")
    places = [(p["file"], p["line"]) for _, p, _ in map(runner, out.splitlines())]
    assert places == [("svc/api/Dockerfile", "4"), ("svc/Dockerfile", "2")]
    assert (code, "svc/Dockerfile:2: unknown instruction: RUNN" in err) == (2, True)
    files.pop(1)
    _, out, _ = said(capsys, "predict", *files, "--edit", "main.go")
    assert [line for line in out.splitlines() if line.endswith("file:")] == [
        "svc/api/Dockerfile:",
        "svc/api/Plainfile:",
    ]
    _, out, _ = said(capsys, "predict", *files, "--json")
    assert list(json.loads(out)) == ["svc/api/Dockerfile", "svc/api/Plainfile"]


def test_a_new_dockerignore_is_named_at_the_dockerfile(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub and GitLab show nothing at a file that is not there."""
    (project / "README.md").write_text("words\n")
    words = ["advise", str(project / "Dockerfile"), "--edit", "README.md", "--altering"]
    code, out, _ = said(capsys, *words, "--format", "json")
    kinds = {one["kind"] for one in json.loads(out)}
    assert (code, "a .dockerignore line" in kinds) == (0, True)
    _, out, _ = said(capsys, *words, "--format", "github")
    ignored = [p for _, p, _ in map(runner, out.splitlines()) if "dockerignore" in p["title"]]
    assert [one["file"] for one in ignored] == ["svc/api/Dockerfile"]
    (project / ".dockerignore").write_text("x\n")
    _, out, _ = said(capsys, *words, "--format", "github")
    ignored = [p for _, p, _ in map(runner, out.splitlines()) if "dockerignore" in p["title"]]
    assert [one["file"] for one in ignored] == ["svc/api/.dockerignore"]


@pytest.mark.slow
def test_neither_command_needs_a_package(project: Path) -> None:
    """So a CI job or a hook runs them from a checkout, and installs nothing."""
    for words in (["advise", "Dockerfile"], ["predict", "Dockerfile", "--edit", "main.go"]):
        given = [*words, "--format", "github", "--format", "sarif", "--format", "markdown"]
        code = (
            f"import sys; sys.path.insert(0, {str(Path(main.__file__).parents[2])!r})\n"
            f"from lab.cli.main import main; main({given!r})"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


def test_a_form_that_is_none_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "advise", str(project / "Dockerfile"), "--format", "sarf")
    assert (code, "sarif" in err.partition("next:")[2]) == (InputError.exit_code, True)
