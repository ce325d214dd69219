"""`lab import` as a user runs it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.model.origin import Origin

GOLDEN = Path(__file__).parents[2] / "golden" / "imported"
RECORD = GOLDEN / "buildx0.29-docker28-cold.dockerbuild"
EDIT = GOLDEN / "buildx0.29-containerd-edit.dockerbuild"


def lab(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


def runs(results: Path) -> list[Path]:
    return sorted(results.glob("*/run.json"))


def test_files_become_runs_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = GOLDEN / "podman5.4-warm.log"
    assert lab("import", "--results", tmp_path, "--name", "app", RECORD, log) == 0
    said = capsys.readouterr().out
    assert "imported: 2 builds; 0 were here already" in said
    assert "Podman or Buildah log: unknown: the Dockerfile" in said
    assert "next: lab history --scenario app" in said
    assert len(runs(tmp_path)) == 2
    assert lab("import", "--results", tmp_path, "--name", "app", log, RECORD) == 0
    assert "imported: 0 builds; 2 were here already" in capsys.readouterr().out
    assert len(runs(tmp_path)) == 2


@pytest.mark.slow
def test_each_format_and_version_of_the_page_is_held_by_what_a_client_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's table, and what is read of the files with these clients' names."""
    page = (Path(__file__).parents[3] / "docs" / "import.md").read_text()
    table = page.partition("clients, each with the engine")[2].partition("\n\n")[0]
    files = [
        one
        for one in GOLDEN.iterdir()
        if one.suffix in {".dockerbuild", ".rawjson", ".json", ".log"}
    ]
    assert lab("import", "--results", tmp_path, *files) == 0
    found: dict[str, set[tuple[str, str]]] = {}
    for path in runs(tmp_path):
        for one in json.loads(path.read_text())["imported"]:
            client = re.match(r"([a-z-]+?)-?(\d+(?:\.\d+)?)", one["file"])
            assert client is not None
            found.setdefault(one["format"], set()).add((client[1], client[2]))
    told = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", table, re.MULTILINE))
    assert set(told) - {"---"} == set(found)
    for name, clients in found.items():
        for client, version in clients:
            assert re.search(rf"\b{client}\b.*\b{re.escape(version)}\b", told[name]), (name, client)
    assert sum(map(len, found.values())) >= 15
    said = capsys.readouterr().out
    assert said.count(": unknown: ") == len(found), "once for each format"
    assert max(map(len, said.partition("here already")[2].splitlines())) <= 80
    read = {
        one["file"] for path in runs(tmp_path) for one in json.loads(path.read_text())["imported"]
    }
    assert read == {one.name for one in files}


def test_a_bad_file_does_not_keep_the_others_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.log"
    bad.write_text("nothing\n")
    assert lab("import", "--results", tmp_path / "r", bad, RECORD) == 2
    said = capsys.readouterr().err
    assert f"{bad}: no build is told in it" in said
    assert "of 2 files, 1 could not be read" in said
    assert "next: " in said
    assert len(runs(tmp_path / "r")) == 1
    assert lab("import", "--results", tmp_path / "r", bad) == 2
    assert f"lab: {bad}: no build is told in it" in capsys.readouterr().err


@pytest.mark.parametrize("axis", ["branch", "Branch=x", "engine=podman", "branch="])
def test_an_axis_has_a_name_and_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], axis: str
) -> None:
    assert lab("import", "--results", tmp_path, "--axis", axis, RECORD) == 2
    assert "is no axis of yours" in capsys.readouterr().err


def test_imports_are_reported_compared_and_in_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("import", "--results", tmp_path, "--together", "--name", "app", "--axis")
    assert lab(*words, "branch=main", RECORD, "--axis", "build=app") == 0
    assert lab(*words, "branch=fix", EDIT, "--axis", "build=app") == 0
    (head,) = runs(tmp_path)
    run = head.parent.name
    capsys.readouterr()
    assert lab("report", "--results", tmp_path, run, "--format", "md", "--output", "-") == 0
    page = capsys.readouterr().out
    assert "| imported | main | 1.81 s" in page
    assert "with --private" not in page
    compared = ("compare", "--results", tmp_path, "main", "fix", "--axis", "branch", "--run", run)
    assert lab(*compared) == 0
    assert "1.13 s" in capsys.readouterr().out
    assert lab("history", "--results", tmp_path, "--scenario", "app", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["series"]) == 2
    assert lab("explain", "--results", tmp_path, run) == 2
    assert "--context DIR" in capsys.readouterr().err


def test_with_its_context_a_build_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(GOLDEN / "Dockerfile", context)
    (context / "go.mod").write_text("module demo\n")
    results = tmp_path / "results"
    words = ("import", "--results", results, "--together", "--name", "app", "--context", context)
    same = ("--axis", "build=app")
    for text, file in (("package main\n", RECORD), ("package main // two\n", EDIT)):
        (context / "main.go").write_text(text)
        assert lab(*words, *same, file) == 0
    (head,) = runs(results)
    capsys.readouterr()
    assert lab("explain", "--results", results, head.parent.name) == 0
    said = capsys.readouterr().out
    assert "imported-2: 2 steps ran" in said
    assert "COPY main.go /src/: 1 file changed (main.go content)" in said


def test_a_dockerfile_gives_a_log_its_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("import", "--results", tmp_path, "--dockerfile", GOLDEN / "Dockerfile", "--json")
    assert lab(*words, GOLDEN / "buildx0.29-warm.plain.log") == 0
    (told,) = json.loads(capsys.readouterr().out)["builds"]
    (line,) = (tmp_path / told["run"] / "builds.jsonl").read_text().splitlines()
    steps = json.loads(line)["steps"]
    assert steps[-1]["instruction"] == 'CMD ["/app"]'
    assert lab(*words, "--target", "nope", RECORD) == 2
    assert lab("import", "--results", tmp_path, "--target", "build", RECORD) == 2
    assert "add --dockerfile FILE" in capsys.readouterr().err


def test_a_run_knows_what_its_file_says_of_its_origin(tmp_path: Path) -> None:
    log = GOLDEN / "buildx0.29-github.log"
    assert lab("import", "--results", tmp_path, log, RECORD) == 0
    origins = [json.loads(head.read_text())["origin"] for head in runs(tmp_path)]
    known = [{name: value for name, value in one.items() if value} for one in origins]
    commit = "1411e1be5b416a7355c759a41622c672de167714"
    assert {"commit": commit, "repository": "demo/app"} in known


def test_a_dirty_tree_is_told_by_buildx_behind_the_commit() -> None:
    told = Origin.of_words({"commit": "1411e1b-dirty", "repository": "git@h.example:a/b.git"})
    assert told == Origin(commit="1411e1b", dirty=True, repository="a/b")
    assert Origin.of_words({"repository": "https://me:pass@h.example/a/b"}).repository == "a/b"
