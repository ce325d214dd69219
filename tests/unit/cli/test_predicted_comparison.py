"""`lab compare ENGINE ENGINE DOCKERFILE --predict`: what a user reads, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli import main

TEXT = """FROM base AS build
COPY go.mod ./
RUN --mount=type=cache,id=go,target=/c go mod download
COPY --link main.go .
ENV A=1 B=2
RUN go build
"""
BOTH = ("docker@28", "docker@28/containerd")


@pytest.fixture
def dockerfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = Path("Dockerfile")
    file.write_text(TEXT)
    for name in ("go.mod", "main.go"):
        Path(name).write_text(name)
    return file


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return ended(capsys, "compare", *words, "--predict")


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main.main(list(words))
    return int(str(caught.value.code)), *capsys.readouterr()


def test_the_lines_that_an_upgrade_caches_otherwise(
    dockerfile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, "docker@20.10", "docker@28", str(dockerfile))
    assert code == 0
    assert "line 3: RUN --mount=type=cache,id=go" in out
    assert "cache, id to another: miss on docker@20.10, hit on docker@28" in out
    assert "line 2" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_an_edit_that_ends_otherwise_is_told_step_by_step(
    dockerfile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = ["--edit", "text:2", "--edit", "touch:go.mod"]
    code, out, _ = said(capsys, *BOTH, str(dockerfile), *edits)
    assert code == 0
    plain = " ".join(out.split())
    assert "COPY --link itself, RUN before it changed: miss on docker@28, hit on" in plain
    assert "edit text:2: COPY --link main.go .: miss on docker@28, hit on" in plain
    assert "edit touch:go.mod: the same steps would run on all" in plain


def test_for_programs(dockerfile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, *BOTH, str(dockerfile), "--edit", "text:2", "--json")
    told = json.loads(out)
    assert code == 0
    named = {one["edit"].partition(": ")[2]: one for one in told["differences"]}
    link = named["COPY --link itself, RUN before it changed"]
    assert link["outcomes"] == dict(zip(BOTH, ("miss", "hit"), strict=True))
    assert link["line"] == 4
    assert [one["engine"] for one in told["edits"]["text:2"]] == list(BOTH)


def test_engines_that_are_alike_are_said_to_be(
    dockerfile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = said(capsys, "docker@28", "docker@28/graph", str(dockerfile))
    assert "treat all instructions of" in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["docker@20.10", "{}"], "compares engines on a Dockerfile"),
        (["docker@20.10", "docker@28"], "compares engines on a Dockerfile"),
        (["docker@20.10", "docker@27", "{}"], "docker@27 was not measured"),
        (["docker@20.10", "docker@28", "{}", "--rounds", "3"], "nothing is built"),
        (["docker@20.10", "docker@28", "{}/nosuch"], "cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    dockerfile: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    code, _, err = said(capsys, *(word.format(dockerfile) for word in words))
    assert code != 0
    assert why in err
    assert "next:" in err


def test_an_edit_without_a_prediction_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "compare", "docker", "podman", "--edit", "go.mod")
    assert code != 0
    assert "--edit goes with --predict" in err
