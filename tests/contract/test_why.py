"""What `lab why` says of a work tree, against the steps that a real rebuild of it ran."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.caching.git.place import place
from lab.caching.why import Asked, why
from lab.dockerfile.context import Context
from lab.model.events import Outcome
from tests.contract.conftest import Bench

TEXT = (
    "FROM BASE AS build\nWORKDIR /w\nCOPY go.mod ./\nRUN cp go.mod deps\nCOPY . .\n"
    "RUN cat main.go > app\nFROM BASE\nCOPY --from=build /w/app /app\nRUN echo made\n"
)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for name, text in {"go.mod": "1", "main.go": "1", "notes.md": "1", "Dockerfile": TEXT}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / ".dockerignore").write_text(".git\n*.md\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def rebuilt(bench: Bench, folder: Path) -> list[str]:
    made = bench.build(TEXT, Context.from_folder(folder))
    steps = [one for one in made.steps if one.outcome is Outcome.MISS]
    return [" ".join(one.instruction.split()) for one in steps]


def test_the_answer_names_the_steps_that_a_rebuild_runs(real_bench: Bench, project: Path) -> None:
    """One build of what is committed, then one of each change: made, told, undone."""
    facts = real_bench.engine.facts()
    asked = Asked(
        place=place(project / "Dockerfile", None),
        engines=[(real_bench.engine.name, facts.version)],
    )
    rebuilt(real_bench, project)  # whatever it finds, the cache then has it
    for path, mode in (("notes.md", 0o644), ("extra.txt", 0o644), ("main.go", 0o600)):
        before = (project / path).read_bytes() if (project / path).exists() else None
        (project / path).write_bytes(before if mode == 0o600 and before else b"2")
        (project / path).chmod(mode)
        answer = why(asked)
        sure, most = (
            {" ".join(one.step.instruction.split()) for one in steps}
            for steps in (answer.first.sure, answer.first.missed)
        )
        # What is copied from a stage may come out as it was: then what copies it is reused.
        ran = set(rebuilt(real_bench, project))
        assert sure <= ran <= most, path
        assert bool(ran) is (path != "notes.md")
        git(project, "clean", "-fdq")
        git(project, "checkout", "-q", ".")
        (project / path).chmod(0o644) if (project / path).exists() else None
        rebuilt(real_bench, project)
