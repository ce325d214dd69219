"""`lab why` against real checkouts, against git's own ids, and as a user reads it."""

from __future__ import annotations

import json
import os
import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lab.caching.git import Repository
from lab.caching.git.place import place
from lab.caching.git.work_tree import work_tree
from lab.caching.measured.step_times import Spread, step_times
from lab.caching.predict.compare_builds import compare
from lab.caching.predict.inputs import cache_inputs, read
from lab.caching.why import Asked, why
from lab.cli.main import main
from lab.dockerfile.cachekey import client_rules
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.record import Build
from tests.factories import build as record
from tests.factories import run as head
from tests.factories import step as recorded
from tests.unit.caching.test_replay import IGNORE, TEXT, git, step, write


def commit(folder: Path, message: str = "next") -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message, "--allow-empty")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose Dockerfile copies go.mod first, then all that is sent."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for path in ("go.mod", "main.go", "README.md", "run.sh"):
        write(folder, path, path.encode())
    (folder / "run.sh").chmod(0o755)
    write(folder, ".dockerignore", b".git\n*.md\n")
    write(
        folder,
        "Dockerfile",
        b"FROM base\nARG REVISION\nCOPY go.mod ./\nRUN deps\nCOPY . .\nRUN make\n"
        b"RUN echo $REVISION\n",
    )
    commit(folder, "first")
    return folder


def missed(folder: Path, **asked: object) -> list[str]:
    answer = why(Asked(place=place(folder / "Dockerfile", None), **asked))  # type: ignore[arg-type]  # each test names what it asks
    return [part.step.instruction for part in answer.first.missed]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_two_commits_differ_as_their_checkouts_do(tmp_path: Path, engine: str) -> None:
    """The oracle reads both from disk, as `lab explain --between` does."""
    folder = tmp_path / "history"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for path in ("go.mod", "go.sum", "src/a.go", "src/b/c.go", "src/gen/keep.txt", "conf/c"):
        write(folder, path, path.encode())
    write(folder, "Dockerfile", TEXT.encode())
    write(folder, ".dockerignore", IGNORE.encode() + b".git\n")
    commit(folder)
    rng = random.Random(5)
    for number in range(10):
        step(folder, rng, number)
    for path in ("conf/c", "go.mod"):
        write(folder, path, b"changed")
        commit(folder)
    ids = git(folder, "log", "--format=%H").split()
    rules, seen = client_rules(engine), set()
    before = after = None
    for number, one in enumerate(ids):
        checkout = tmp_path / f"checkout{number}"
        git(tmp_path, "clone", "-qn", str(folder), checkout.name)
        git(checkout, "checkout", "-q", one)
        before, after = after, cache_inputs(read(checkout / "Dockerfile", None, {}, None))
        if before is None:
            continue
        expected = {
            part.step.instruction
            for part in compare(before, after, rules).steps
            if part.step.outcome is Outcome.MISS
        }
        asked = {"before": ids[number - 1], "after": one, "engines": [(engine, "")]}
        assert set(missed(folder, **asked)) == expected
        seen.add(len(expected))
    assert len(seen) > 2, "histories in which more happens than all or nothing"


def test_files_of_a_work_tree_have_gits_own_ids(project: Path) -> None:
    write(project, "new.go", b"new")
    write(project, "main.go", b"changed")
    write(project, "same size", b"")
    with closing(Repository(project)) as repository:
        now = repository.commit("HEAD")
        found = work_tree(project, "Dockerfile", None, repository, now.tree, now.id)
    names = [path for path, facts in found.files.items() if facts.kind == "file"]
    assert len(names) == 8
    for path in names:
        assert found.files[path].content == git(project, "hash-object", "--", path).strip()


@pytest.mark.slow
def test_nothing_misses_right_after_a_commit(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(["why", str(project / "Dockerfile")], capsys)
    assert said.startswith("Nothing misses: all 5 steps")
    write(project, "README.md", b"another")
    (project / "go.mod").touch()
    said = told(["why", str(project / "Dockerfile")], capsys)
    assert said.startswith("Nothing misses")
    assert "What differs, the ignore file keeps back: README.md." in said


@pytest.mark.slow
def test_what_is_not_committed_counts(project: Path) -> None:
    write(project, "main.go", b"changed")
    assert missed(project) == ["COPY . .", "RUN make", "RUN echo $REVISION"]
    git(project, "add", "main.go")
    assert missed(project) == ["COPY . .", "RUN make", "RUN echo $REVISION"]
    git(project, "reset", "-q", "--hard")
    assert missed(project) == []
    (project / "go.mod").write_bytes(b"GO.mod")  # of the same size
    assert missed(project)[0] == "COPY go.mod ./"
    (project / "go.mod").unlink()
    assert missed(project)[0] == "COPY go.mod ./"


def test_a_file_that_git_does_not_know_or_ignores_is_told_as_such(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, "note.txt", b"x")
    write(project, "out/app", b"x")
    write(project, ".gitignore", b"out\n")
    commit(project)
    write(project, "later.txt", b"x")
    said = told(["why", str(project / "Dockerfile")], capsys)
    assert "later.txt is new (git does not track it)" in said
    assert "out/app is new (git ignores it, .dockerignore does not)" in said
    assert "note.txt" not in said


@pytest.mark.slow
def test_a_change_of_the_ignore_file_is_told_as_such(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["why", str(project / "Dockerfile")]
    write(project, ".dockerignore", b".git\n*.md\n*.go\n")
    said = " ".join(told(words, capsys).split())
    assert "(line 5): main.go is kept back by the ignore file now; .dockerignore changed." in said
    write(project, ".dockerignore", b".git\n")
    commit(project)
    for more in ([], ["--between", "HEAD~1", "HEAD"]):
        said = told([*words, *(more or ["--between", "HEAD~1", "."])], capsys)
        assert "README.md is no longer kept back by the ignore file" in " ".join(said.split())


@pytest.mark.slow
def test_modes_that_git_does_not_keep_count_against_those_of_most_files(project: Path) -> None:
    for path in project.rglob("*"):
        if ".git" not in path.parts:
            path.chmod(0o775 if path.is_dir() or path.name == "run.sh" else 0o664)
    assert missed(project) == [], "another umask is no change: a checkout here has it too"
    (project / "main.go").chmod(0o600)
    assert missed(project)[0] == "COPY . ."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attributes", "written", "misses"),
    [
        ("*.go text eol=crlf\n", b"a\r\nb\r\n", False),  # as a checkout writes it
        ("*.go text\n", b"a\r\nb\r\n", True),  # git says that it is unchanged; an engine sees it
    ],
)
def test_line_ends_count_where_a_checkout_would_have_others(
    project: Path, attributes: str, written: bytes, misses: bool
) -> None:
    write(project, ".gitattributes", attributes.encode())
    write(project, "main.go", b"a\nb\n")
    commit(project)
    write(project, "main.go", written)
    git(project, "add", "main.go")
    assert git(project, "status", "--porcelain") == ""
    assert (missed(project) != []) is misses


@pytest.mark.slow
def test_gits_own_folder_is_a_cause_between_commits_where_it_is_sent(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, ".dockerignore", b"*.md\n")
    commit(project)
    commit(project, "nothing")
    words = ["why", str(project / "Dockerfile")]
    said = told([*words, "--between", "HEAD~1", "HEAD"], capsys)
    assert "first COPY . . (line 5): .git is in the context" in " ".join(said.split())
    said = told(words, capsys)
    assert said.startswith("Nothing misses")
    assert "The context holds .git" in said
    write(project, "Dockerfile", b"FROM base\nCOPY go.mod ./\n")
    commit(project)
    assert "The context holds .git" not in told(words, capsys), "no step reads it"


def test_a_commits_id_as_an_argument_is_the_cause(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(project, "nothing")
    words = ["why", str(project / "Dockerfile"), "--between", "HEAD~1", "HEAD"]
    assert told(words, capsys).startswith("Nothing misses")
    said = told([*words, "--build-arg", "REVISION={commit}"], capsys)
    assert "Docker reruns 4 of 5 steps, first RUN deps (line 4): ARG REVISION changed" in said


@pytest.mark.slow
def test_a_folder_of_the_repository_and_a_dockerfile_beside_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path, "docker/Dockerfile", b"FROM base\nCOPY src /src\nRUN make\n")
    write(tmp_path, "app/src/a.go", b"a")
    write(tmp_path, "other.txt", b"a")
    commit(tmp_path)
    found = place(tmp_path / "docker/Dockerfile", tmp_path / "app")
    assert (found.inside, found.held, found.path) == ("app", "docker/Dockerfile", "Dockerfile")

    def reruns() -> int:
        return len(why(Asked(place=found)).first.missed)

    write(tmp_path, "other.txt", b"b")
    assert reruns() == 0
    write(tmp_path, "app/src/a.go", b"b")
    assert reruns() == 2
    git(tmp_path, "checkout", "-q", ".")
    write(tmp_path, "docker/Dockerfile", b"FROM base\nCOPY src /src\nRUN make all\n")
    assert reruns() == 1


@pytest.mark.slow
def test_a_submodule_is_looked_into_where_it_is_checked_out(tmp_path: Path) -> None:
    part, whole = tmp_path / "part", tmp_path / "whole"
    for folder in (part, whole):
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
    write(part, "a.h", b"a")
    write(part, "b.h", b"b")
    commit(part)
    write(whole, "Dockerfile", b"FROM base\nCOPY part/a.h /\nRUN make\n")
    git(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    commit(whole)
    assert missed(whole) == []
    write(whole, "part/b.h", b"changed")
    assert missed(whole) == []
    write(whole, "part/a.h", b"changed")
    assert missed(whole) == ["COPY part/a.h /", "RUN make"]


@pytest.mark.slow
def test_what_no_commit_has_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As where CI makes the program first and the Dockerfile copies it."""
    write(project, "Dockerfile", b"FROM base\nCOPY bin/app /app\n")
    commit(project)
    words = ["why", str(project / "Dockerfile")]
    assert "Neither has bin/app:" in told(words, capsys)
    write(project, "bin/app", b"made")
    said = told(words, capsys)
    assert "first COPY bin/app /app (line 2): bin/app is new" in said
    assert "Neither" not in said


def test_times_of_the_latest_run_that_fits_are_told_with_spread_and_count(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = project.parent / "results"
    # The text of a here-document is in no record.
    for name, text in (("1-fits", "RUN make <<EOF"), ("2-other", "RUN elsewhere")):
        steps = [
            recorded(2, "COPY . .", outcome=Outcome.MISS, duration_s=0.5),
            recorded(3, text, outcome=Outcome.MISS, duration_s=40.0),
        ]
        more = [steps[0], recorded(3, text, outcome=Outcome.MISS, duration_s=50.0)]
        kept = [record(1, steps=tuple(steps)), record(2, steps=tuple(more))]
        (results / name).mkdir(parents=True)
        (results / name / "run.json").write_text(json.dumps(head(name).to_json()))
        lines = "".join(json.dumps(one.to_json()) + "\n" for one in kept)
        (results / name / "builds.jsonl").write_text(lines)
    write(project, "Dockerfile", b"FROM base\nCOPY . .\nRUN make <<EOF\nall\nEOF\n")
    commit(project)
    write(project, "main.go", b"changed")
    words = ["why", str(project / "Dockerfile"), "--results", str(results)]
    said = " ".join(told(words, capsys).split())
    assert "about 45.5 s of 45.5 s (40.5 to 50.5 s, n = 2; times of run 1-fits)" in said
    assert " 45 s (40 to 50 s, n = 2)" in said
    found = json.loads(told([*words, "--json"], capsys))
    assert found["engines"][0]["cost"] == {"median": 45.5, "least": 40.5, "most": 50.5, "count": 2}


def test_a_run_of_another_engine_is_not_said_to_have_no_times(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project.parent / "results/1-run"
    step = recorded(2, "COPY . .", outcome=Outcome.MISS, duration_s=2.0)
    build = replace(record(1, steps=(step,)), cell={"engine": "podman"})
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(head("1-run").to_json()))
    (folder / "builds.jsonl").write_text(json.dumps(build.to_json()) + "\n")
    write(project, "Dockerfile", b"FROM base\nCOPY . .\n")
    commit(project)
    write(project, "main.go", b"changed")
    words = ["why", str(project / "Dockerfile"), "--results", str(folder.parent)]
    said = " ".join(told(words, capsys).split())
    assert "Run 1-run has times of podman alone: `lab why --engine podman` tells" in said
    assert "costs about 2 s" in " ".join(told([*words, "--engine", "podman"], capsys).split())


def test_what_costs_most_is_named_where_it_is_not_the_first(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = project.parent / "results"
    steps = [
        recorded(number, text, outcome=Outcome.MISS, duration_s=seconds)
        for number, (text, seconds) in enumerate(
            [("COPY README.md /", 1.0), ("RUN check", 1.0), ("COPY . .", 2.0), ("RUN make", 40.0)]
        )
    ]
    (results / "1-run").mkdir(parents=True)
    (results / "1-run/run.json").write_text(json.dumps(head("1-run").to_json()))
    line = json.dumps(record(1, steps=tuple(steps)).to_json())
    (results / "1-run/builds.jsonl").write_text(f"{line}\n")
    text = "FROM base AS docs\nCOPY README.md /\nRUN check\nFROM base\nCOPY . .\nRUN make\n"
    write(project, ".dockerignore", b".git\n")
    write(project, "Dockerfile", f"{text}COPY --from=docs /r /r\n".encode())
    commit(project)
    write(project, "README.md", b"changed")
    words = ["why", str(project / "Dockerfile"), "--results", str(results)]
    said = " ".join(told(words, capsys).split())
    assert "first COPY README.md / (line 2): README.md changed." in said
    assert "Most of it, 42 s, follows from COPY . . (line 5): README.md changed." in said


def test_times_are_of_builds_that_nothing_disturbed() -> None:
    """Unless most were disturbed: then all that there are."""

    def one(number: int, seconds: float, fit: str | None) -> Build:
        made = recorded(2, "RUN make", outcome=Outcome.MISS, duration_s=seconds)
        return replace(record(number, steps=(made,)), fit=fit)

    builds = [one(1, 4.0, "fit"), one(2, 90.0, "unfit"), one(3, 5.0, None)]
    assert step_times(builds, "docker")["RUN make"] == Spread.of([4.0, 5.0])
    more = [*builds, one(4, 91.0, "degraded"), one(5, 92.0, "unfit")]
    assert step_times(more, "docker")["RUN make"].count == 5


@pytest.mark.slow
def test_what_the_lab_wrote_is_named_after_what_the_user_changed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A docker build by hand sends it too, unless .dockerignore names it."""
    write(project, "results/1-run/run.json", json.dumps(head("1-run").to_json()).encode())
    write(project, "results/1-run/builds.jsonl", b"")
    write(project, "results/kept.html", b"a report")
    write(project, "results/deep.txt", b"a file that is no run")
    words = ["why", str(project / "Dockerfile"), "--results"]
    said = " ".join(told([*words, str(project / "results")], capsys).split())
    lab_wrote = "4 files new in results/, that the lab wrote: name it in .dockerignore"
    assert f"first COPY . . (line 5): {lab_wrote}." in said
    write(project, "main.go", b"changed")
    said = " ".join(told([*words, str(project / "results")], capsys).split())
    assert f"main.go changed; {lab_wrote}" in said
    said = " ".join(told([*words, "elsewhere"], capsys).split())
    assert "2 files new in results/1-run/, that the lab wrote" in said
    assert "results/kept.html" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--between", "HEAD", "nosuch"], "git knows no commit 'nosuch'"),
        (["--between", "HEAD", "HEAD:main.go"], "git knows no commit"),
        (["--target", "nosuch"], "no stage is named 'nosuch'"),
        (["--context", "nosuch"], "is no folder"),
        (["--engine", "docke"], "no engine is named"),
        (["--run", "nosuch"], "there are no runs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_answered_is_refused_with_a_way_on(
    project: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["why", str(project / "Dockerfile"), "--results", str(project / "none"), *words])
    found = capsys.readouterr().err
    assert stop.value.code == 2
    assert said in found
    assert "next: " in found


def test_without_git_it_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(InputError, match="is in no git repository") as stop:
        why(Asked(place=place(tmp_path / "Dockerfile", None)))
    assert "git repository" in (stop.value.remedy or "")


def test_before_the_first_commit_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "Dockerfile", b"FROM scratch\n")
    with pytest.raises(SystemExit) as stop:
        main(["why", str(tmp_path / "Dockerfile"), "--results", str(tmp_path / "none")])
    assert stop.value.code == 2
    found = capsys.readouterr().err
    assert "has no commit yet" in found
    assert "shallow" not in found, "fetching more of the history would not help"


def test_a_repository_that_git_refuses_is_not_called_missing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as of another user's clone
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    with pytest.raises(InputError, match="dubious ownership"):
        place(project / "Dockerfile", None)


def test_nothing_of_the_repository_is_written(project: Path) -> None:
    """Not even the index, which git status and git diff write anew where a time is another."""
    os.utime(project / "main.go", (1, 1))
    index = project / ".git/index"
    before = index.read_bytes()
    assert missed(project) == []
    assert index.read_bytes() == before
    git(project, "diff", "--name-only", "HEAD")
    assert index.read_bytes() != before, "else this test tells nothing"


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(words)
    out = capsys.readouterr()
    assert stop.value.code == 0, out.err
    return out.out
