"""A Dockerfile and a .dockerignore that .dockerignore names: what COPY sees of them, really built.

The lab sends both in the context's archive, whatever is ignored: BuildKit has no other way without
a session. Which engine then shows them to COPY is asked of the image, not of the code under test.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.caching import explain
from lab.caching.predict import CacheSimulator, predict
from lab.caching.predict.compare_builds import compare
from lab.caching.predict.inputs import cache_inputs, read
from lab.caching.replay import CommitPredictor, Repository
from lab.caching.replay.real_builds import build
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules, client_rules, make
from lab.dockerfile.edits import Inputs
from lab.model.events import Outcome
from lab.model.record import Build
from tests.contract import oracle
from tests.contract.conftest import BASE, Bench

TEXT = f"FROM {BASE}\nCOPY . /all\nRUN true\n"
OTHER = TEXT + "LABEL changed=1\n"
IGNORE = "Dockerfile\n.dockerignore\n*.log\n"
# name -> (Dockerfile, .dockerignore) after (TEXT, IGNORE)
CHANGES = {
    "the Dockerfile": (OTHER, IGNORE),
    "the .dockerignore": (TEXT, f"# a remark\n{IGNORE}"),
    "neither": (TEXT, IGNORE),
}
SHOWN = {"docker"}  # of the engines, those that show COPY what .dockerignore keeps back


def inputs(folder: Path, text: str, ignore: str) -> Inputs:
    (folder / "Dockerfile").write_text(text)
    (folder / ".dockerignore").write_text(ignore)
    (folder / "x.log").write_text("x")
    (folder / "main.go").write_text("main")
    return read(folder / "Dockerfile", None, {}, None)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_kept_back_is_predicted_and_explained(
    name: str, real_bench: Bench, tmp_path: Path
) -> None:
    engine = real_bench.engine
    rules = archive_rules(engine.name, engine.facts().version)
    memory = CacheSimulator()
    known: list[explain.MeasuredBuild] = []
    for text, ignore in ((TEXT, IGNORE), CHANGES[name]):
        given = inputs(tmp_path, text, ignore)
        manifest = make(parser.parse(text), given.full_context())
        prediction = predict(manifest, rules, memory)
        outcome = real_bench.build(text, given.full_context(), cold=not known)
        phase = "rebuild" if known else "cold"
        made = Build(
            id=phase,
            cell={"engine": engine.name},
            round=1,
            phase=phase,
            status=outcome.status,
            steps=outcome.steps,
        )
        known.append(explain.MeasuredBuild(record=made, inputs=manifest))
    copied, ran = outcome.steps[1:3]
    seen = set(oracle.read(engine, "localhost/lab/test:built", "ls -A /all").split())
    assert seen == {
        "main.go",
        *(("Dockerfile", ".dockerignore") if real_bench.family in SHOWN else ()),
    }
    missed = real_bench.family in SHOWN and name != "neither"
    assert (copied.outcome is Outcome.MISS) is missed
    assert prediction.outcomes[1] is copied.outcome
    assert prediction.outcomes[2] is ran.outcome
    explained = explain.explain(known[1], known[:1], rules).steps[1]
    changed = {cause.subject for cause in explained.causes if cause.kind == "file"}
    assert changed == ({name.removeprefix("the ")} if missed else set())
    assert not explained.unsafe


def test_a_client_keeps_back_what_an_archive_holds(tmp_path: Path) -> None:
    """Docker's client sends the Dockerfile apart, so that COPY . never sees an ignored one."""
    before = cache_inputs(inputs(tmp_path, TEXT, IGNORE))
    after = cache_inputs(inputs(tmp_path, OTHER, IGNORE))
    assert compare(before, after, archive_rules("docker")).steps[1].step.outcome is Outcome.MISS
    assert compare(before, after, client_rules("docker")).steps[1].step.outcome is Outcome.HIT


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Repository]:
    """Commits that change an ignored Dockerfile, an ignored file, a source, and nothing."""

    def git(*words: str) -> None:
        who = {
            f"GIT_{one}_{part}": "a@b"
            for one in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
        subprocess.run(["git", *words], cwd=tmp_path, env=environment, check=True)

    git("init", "-q")
    inputs(tmp_path, TEXT, IGNORE)
    (tmp_path / "sub").mkdir()
    for path, text in (
        ("main.go", "main"), ("Dockerfile", OTHER), ("x.log", "y"),
        (".dockerignore", f"#\n{IGNORE}"), ("main.go", "changed"),
        ("sub/Dockerfile", "x"), ("Dockerfile", TEXT),
    ):  # fmt: skip
        (tmp_path / path).write_text(text)
        git("add", "-Af")
        git("commit", "-qm", path)
    with closing(Repository(tmp_path)) as repository:
        yield repository


@pytest.mark.parametrize("fixed", [False, True], ids=["as it was", "from disk"])
def test_a_replayed_history_is_built_as_predicted(
    fixed: bool, real_bench: Bench, history: Repository
) -> None:
    engine = real_bench.engine
    rules = archive_rules(engine.name, engine.facts().version)
    predictor = CommitPredictor(history, rules, text=TEXT if fixed else None)
    commits = list(history.commits(None))
    found = list(build(history, engine, predictor, commits, {}))
    assert len(found) >= 2 * len(commits)
    assert not [one for one in found if not one.right]
    assert {one.real for one in found} == {Outcome.HIT, Outcome.MISS}
