"""Which edits advice weighs where nobody names any: asked of a repository made with git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.caching.advise import usual_edits
from lab.caching.predict.inputs import read


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "part"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for name in ("main.go", "ö.txt", "left.log"):
        (folder / name).write_text(name)
    return folder


def edits(folder: Path) -> list[str]:
    return usual_edits(read(folder / "Dockerfile", None, {}, None), folder)


def test_without_a_repository_every_file_is_weighed(project: Path) -> None:
    assert edits(project) == ["file:left.log", "file:main.go", "file:ö.txt"]


def test_gits_own_files_never_are(project: Path) -> None:
    git(project, "init", "-q")
    assert (project / ".git" / "HEAD").is_file()
    assert edits(project) == ["file:left.log", "file:main.go", "file:ö.txt"]
    git(project, "add", "main.go", "ö.txt")
    assert edits(project) == ["file:main.go", "file:ö.txt"], "tracked, though never committed"


def test_what_a_history_changes_is_weighed(project: Path) -> None:
    root = project.parent
    git(root, "init", "-q")
    (root / "outside.go").write_text("x")
    git(root, "add", "outside.go", "part/main.go", "part/Dockerfile")
    git(root, "commit", "-q", "-m", "one")
    (project / "gone.go").write_text("x")
    git(root, "add", "part/gone.go", "part/ö.txt")
    git(root, "commit", "-q", "-m", "two")
    git(root, "rm", "-q", "part/gone.go")
    git(root, "commit", "-q", "-m", "three")
    assert edits(project) == ["file:main.go", "file:ö.txt"]
