"""Advice on badly ordered Dockerfiles, and none on good ones: predicted gains are checked anew."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import dockerfile
from lab.advise import advise, over_edits
from lab.advise.gain import Advice
from lab.context import Context
from lab.edits import Inputs
from lab.manifest import rules

FILES = {
    "go.mod": "m", "go.sum": "s", "main.go": "p", "lib/a.go": "a", "package.json": "{}",
    "package-lock.json": "{}", "requirements.txt": "r", "app.py": "x", "README.md": "r",
    "docs/x.txt": "d", "Gemfile": "g", "Gemfile.lock": "l", "Cargo.toml": "c", "Cargo.lock": "l",
}  # fmt: skip
EDITS = ["main.go", "lib/a.go", "app.py"]

# name -> Dockerfile, edits that are made often, what the advice must be
BAD: dict[str, tuple[str, list[str], str]] = {
    "go": (
        "FROM golang\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN go build ./...\n",
        EDITS,
        "dependencies before sources",
    ),
    "node": (
        "FROM node\nWORKDIR /app\nCOPY . /app\nRUN npm ci\nRUN node check.js\n",
        EDITS,
        "dependencies before sources",
    ),
    "python": (
        "FROM python\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python app.py\n",
        EDITS,
        "dependencies before sources",
    ),
    "ruby": (
        "FROM ruby\nCOPY . ./\nRUN bundle install\n",
        EDITS,
        "dependencies before sources",
    ),
    "rust": ("FROM rust\nCOPY . .\nRUN cargo fetch\n", EDITS, "dependencies before sources"),
    "packages": (
        "FROM debian\nCOPY main.go lib /src/\nRUN apt-get update && \\\n"
        "    apt-get install -y gcc\nRUN cc\n",
        EDITS,
        "packages before sources",
    ),
    "arg": (
        "FROM debian\nARG VERSION=1\nRUN apt-get update\nRUN make deps\nRUN make V=$VERSION\n",
        ["arg:VERSION=2"],
        "ARG moved down",
    ),
    "env": (
        "FROM debian\nENV RELEASE=a\nRUN make deps\nRUN make RELEASE=$RELEASE\n",
        ["env:RELEASE=b"],
        "ENV moved down",
    ),
    "ignore": (
        "FROM debian\nCOPY . .\nRUN make\n",
        ["README.md", "docs/x.txt"],
        "a .dockerignore line",
    ),
    "link": (
        "FROM debian AS one\nRUN make\nFROM debian\nRUN apt-get update\nARG V=1\nRUN use $V\n"
        "COPY --from=one /a /a\n",
        ["arg:V=2"],
        "COPY --link",
    ),
}
GOOD: dict[str, str] = {
    "go": (
        "FROM golang\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\n"
        "COPY main.go lib ./\nRUN go build ./...\n"
    ),
    "python": (
        "FROM python\nRUN apt-get update\nCOPY requirements.txt .\n"
        "RUN pip install -r requirements.txt\nCOPY app.py .\n"
    ),
    "one step": "FROM debian\nCOPY app.py /\nCMD python /app.py\n",
}


def advice(text: str, edits: list[str]) -> list[Advice]:
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    return advise(inputs, over_edits(inputs, edits, rules("docker"), {}))


@pytest.mark.parametrize("name", BAD)
def test_a_badly_ordered_file_is_rewritten_with_a_gain(name: str, tmp_path: Path) -> None:
    text, edits, wanted = BAD[name]
    found = [one for one in advice(text, edits) if one.rewrite.kind == wanted]
    assert found, name
    for number, one in enumerate(found):
        assert (one.after.runs, one.after.steps) < (one.before.runs, one.before.steps)
        dockerfile.parse(one.rewrite.dockerfile)
        apply_patch(one, text, tmp_path / f"{number}")


def apply_patch(one: Advice, text: str, folder: Path) -> None:
    """The patch does what the rewrite says: `git apply` is the judge."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(text)
    patch = folder / "advice.patch"
    patch.write_text(one.patch)
    subprocess.run(["git", "apply", patch.name], cwd=folder, check=True)
    assert (folder / "Dockerfile").read_text() == one.rewrite.dockerfile
    if one.rewrite.ignore is not None:
        assert (folder / ".dockerignore").read_text() == one.rewrite.ignore


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_left_alone(name: str) -> None:
    assert advice(GOOD[name], [*EDITS, "go.mod", "requirements.txt", "README.md"]) == []


def test_no_step_is_lost_by_a_move() -> None:
    for text, edits, _ in BAD.values():
        before = {one.text.replace("--link ", "") for one in dockerfile.parse(text).instructions}
        for one in advice(text, edits):
            steps = dockerfile.parse(one.rewrite.dockerfile).instructions
            after = [step.text.replace("--link ", "") for step in steps]
            assert before <= set(after)
