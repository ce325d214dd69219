"""The Python API: docs/python.md is run, its names are there, and importing it costs nothing."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from tests.factories import build
from tests.gate_runs import record

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "python.md"
DOCKERFILE = """\
FROM golang:1.24
WORKDIR /src
COPY . .
RUN go mod download
RUN go build -o /app ./...
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.24\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_the_page_says_what_happens() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted > 12
    assert found.failed == 0


def test_to_import_it_loads_nothing() -> None:
    code = "import lab, sys; print(*(name for name in sys.modules if name.startswith('lab')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["lab"]


def test_every_name_is_there_once_and_on_the_page() -> None:
    assert len(lab.__all__) == len(set(lab.__all__))
    assert set(lab.__all__) <= set(dir(lab))
    text = PAGE.read_text()
    for name in lab.__all__:
        assert getattr(lab, name) is not None
        assert name == "__version__" or re.search(rf"\b{name}\b", text), name
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = lab.nothing_such


@pytest.mark.slow
def test_a_notebook_shows_an_answer_and_a_table_and_obeys_no_name(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    for name, wall in (("old", 10.0), ("new", 20.0)):
        builds = [build(at, wall + at / 10, cell={"engine": evil}) for at in range(1, 9)]
        record(tmp_path / name, [], builds=builds)
    found = lab.compare(tmp_path / "old", tmp_path / "new")
    html = found._repr_html_()
    assert "<script" not in html
    assert html.startswith(f"<p><b>{found.verdict.split()[0]}")
    assert html.count("<table>") == 1
    assert "new" in found.verdict


def test_markdown_is_what_a_notebook_shows_of_advice(project: Path) -> None:
    assert "```diff\n" in lab.advise(project / "Dockerfile")._repr_markdown_()
    assert "line 3" in lab.predict(project / "Dockerfile", "main.go")._repr_markdown_()


def test_what_a_user_can_mend_is_raised_with_a_next_step(project: Path) -> None:
    with pytest.raises(lab.LabError) as refused:
        lab.advise(project / "nothing")
    assert refused.value.remedy
    with pytest.raises(lab.LabError) as refused:
        lab.compare(project / "nothing")
    assert refused.value.remedy
    with pytest.raises(lab.LabError) as refused:
        lab.run("layer-cache", context=project)
    assert refused.value.remedy
