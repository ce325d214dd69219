"""What `lab cost` says of runs and histories that were made so that the answer is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.caching.cost import Rebuilds, cost, rebuilds
from lab.caching.git.place import place
from lab.cli.main import main
from lab.dockerfile.cachekey import client_rules
from lab.model.events import Outcome
from lab.model.record import Build
from tests.factories import ENGINE, step
from tests.factories import build as record
from tests.factories import run as head
from tests.unit.caching.test_replay import git, write
from tests.unit.caching.test_why import told

HIT, MISS = Outcome.HIT, Outcome.MISS
TEXT = "FROM base\nCOPY go.mod ./\nRUN deps\nCOPY . .\nRUN make\n"


def built(number: int, phase: str, *steps: tuple[str, Outcome, float | None]) -> Build:
    found = [
        step(place + 1, text, outcome=outcome, duration_s=seconds)
        for place, (text, outcome, seconds) in enumerate(steps)
    ]
    wall = sum(one.duration_s or 0.0 for one in found) + 1.0
    return record(number, wall, phase=phase, steps=tuple(found))


RUN = (
    built(1, "cold", ("RUN deps", MISS, 4.0), ("RUN make", MISS, 5.0)),
    built(2, "cold", ("RUN deps", MISS, 6.0), ("RUN make", MISS, 3.0)),
    built(3, "rebuild", ("RUN deps", HIT, 0.1), ("RUN make", HIT, 0.1)),
    built(4, "edit:file", ("RUN deps", HIT, None), ("RUN make", MISS, 90.0)),
)


def test_a_line_has_its_times_share_and_misses() -> None:
    found = cost(RUN, "docker")
    assert [one.text for one in found.lines] == ["RUN deps", "RUN make"]
    deps, make = found.lines
    assert deps.took is not None
    assert deps.share is not None
    assert (deps.took.median, deps.took.least, deps.took.most, deps.took.count) == (5, 4, 6, 2)
    assert (deps.share.least, deps.share.most) == (0.4, 0.6)
    assert (deps.missed, deps.builds) == (0, 2)
    assert make.took is not None
    assert make.took.median == 4, "of cold builds alone"
    assert (make.missed, make.builds) == (1, 2)
    assert make.phases == {"rebuild": (0, 1), "edit:file": (1, 1)}
    assert make.reused is not None
    assert make.reused.count == 1
    assert make.layer is None


def test_without_cold_builds_those_that_ran_it_are_counted() -> None:
    (deps, make) = sorted(cost(RUN[2:], "docker").lines, key=lambda one: one.text)
    assert deps.took is None
    assert make.took is not None
    assert (make.took.median, make.took.count) == (90, 1)


def test_other_engines_failed_builds_and_warm_ups_are_left_out() -> None:
    more = (
        record(
            5,
            cell={"engine": "podman"},
            steps=(step(1, "RUN deps", outcome=MISS, duration_s=99.0),),
        ),
        record(6, status="failed", steps=(step(1, "RUN deps", outcome=MISS, duration_s=99.0),)),
        record(7, warm_up=True, steps=(step(1, "RUN deps", outcome=MISS, duration_s=99.0),)),
    )
    assert cost((*RUN, *more), "docker") == cost(RUN, "docker")


def test_disturbed_builds_are_left_out_where_most_are_not() -> None:
    slow = built(5, "cold", ("RUN deps", MISS, 60.0), ("RUN make", MISS, 60.0))
    slow = replace(slow, fit="unfit: others used the CPUs")
    found = cost((*RUN, slow), "docker")
    assert (found.unfit, found.builds, found.left_out) == (1, 5, True)
    assert found.lines == cost(RUN, "docker").lines
    alone = cost([slow, replace(RUN[0], fit="unfit: x"), RUN[1]], "docker")
    assert (alone.unfit, alone.left_out) == (2, False)
    assert alone.lines[0].took is not None
    assert alone.lines[0].took.count == 3


def test_an_instruction_that_each_round_writes_anew_is_one_line() -> None:
    edited = [
        built(
            number, "edit:instruction", ("RUN deps", HIT, None), (f"RUN make {number}", MISS, 2.0)
        )
        for number in (4, 5)
    ]
    lines = cost((*RUN[:2], *edited), "docker").lines
    assert [one.text for one in lines] == ["RUN deps", "RUN make"]
    assert (lines[1].missed, lines[1].builds) == (2, 2)


def test_what_a_commit_is_expected_to_cost() -> None:
    counts = {"RUN deps": 1, "RUN make": 8}
    history = Rebuilds(commits=10, counts=counts, sure={"RUN deps": 1, "RUN make": 6})
    found = cost(RUN, "docker", history=history)
    assert [one.per_commit for one in found.lines] == [pytest.approx(0.5), pytest.approx(3.2)]
    assert found.per_commit == pytest.approx(3.7)
    assert found.per_commit_least == pytest.approx(2.9)
    known = cost(RUN, "docker", texts={"RUN make": 7, "RUN new": 8}, history=history)
    assert [(one.text, one.line, one.per_commit) for one in known.lines] == [
        ("RUN make", 7, pytest.approx(3.2)),
        ("RUN new", 8, None),
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Ten commits after the first: go.mod changes in 2 of them, main.go in 5, notes.md in all."""
    folder = tmp_path / "repository" / "app"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q", "-b", "main")
    write(folder, "Dockerfile", TEXT.encode())
    write(folder, ".dockerignore", b"*.md\n")
    for number in range(11):
        write(folder, "notes.md", b"%d" % number)
        write(folder, "go.mod", b"%d" % (number // 5))
        write(folder, "main.go", b"%d" % (number // 2))
        write(folder, "../elsewhere", b"%d" % number)
        git(folder.parent, "add", "-A")
        git(folder.parent, "commit", "-qm", f"{number}")
    return folder


@pytest.mark.slow
def test_commits_that_rebuild_are_counted_as_they_were_made(project: Path) -> None:
    """0, 1, 2 … 10: go.mod changes at 5 and 10, main.go at 2, 4, 6, 8 and 10."""
    there = place(project / "Dockerfile", None)
    found = rebuilds(there, TEXT, client_rules("docker"), commits=100)
    counts = {"COPY go.mod ./": 2, "RUN deps": 2, "COPY . .": 6, "RUN make": 6}
    assert found == Rebuilds(commits=10, counts=counts, sure=counts)
    last = rebuilds(there, TEXT, client_rules("docker"), commits=4)
    assert last is not None
    assert (last.commits, last.counts["RUN deps"], last.counts["RUN make"]) == (4, 1, 2)


@pytest.mark.slow
def test_what_copies_from_a_stage_is_not_sure(project: Path) -> None:
    text = f"{TEXT.replace('base', 'base AS b')}FROM base\nCOPY --from=b /app /\nRUN check\n"
    there = place(project / "Dockerfile", None)
    found = rebuilds(there, text, client_rules("docker"), commits=100)
    assert found is not None
    for name in ("COPY --from=b /app /", "RUN check"):
        assert (found.sure[name], found.counts[name]) == (0, 6)
    assert found.sure["RUN make"] == 6


@pytest.mark.slow
def test_a_git_folder_that_is_sent_is_rebuilt_by_every_commit(project: Path) -> None:
    for name in ("Dockerfile", ".dockerignore", "main.go", "go.mod"):
        (project / name).rename(project.parent / name)
    for number in range(3):
        write(project.parent, "notes.md", b"%d" % number)
        git(project.parent, "add", "-A")
        git(project.parent, "commit", "-qm", "moved")
    there = place(project.parent / "Dockerfile", None)
    found = rebuilds(there, TEXT, client_rules("docker"), commits=2)
    assert found is not None
    assert found.counts == {"COPY go.mod ./": 0, "RUN deps": 0, "COPY . .": 2, "RUN make": 2}
    write(project.parent, ".dockerignore", b"*.md\n.git\n")
    for number in range(3):
        write(project.parent, "notes.md", b"again %d" % number)
        git(project.parent, "add", "-A")
        git(project.parent, "commit", "-qm", "kept back")
    found = rebuilds(there, TEXT, client_rules("docker"), commits=2)
    assert found is not None
    assert found.counts["RUN make"] == 0


def stored(results: Path, builds: tuple[Build, ...], **differing: object) -> None:
    run = head("1-run", **differing)
    (results / run.id).mkdir(parents=True)
    (results / run.id / "run.json").write_text(json.dumps(run.to_json()))
    lines = "".join(json.dumps(one.to_json()) + "\n" for one in builds)
    (results / run.id / "builds.jsonl").write_text(lines)


@pytest.mark.slow
def test_a_dockerfile_without_a_run_says_what_it_can_and_what_to_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cost", str(project / "Dockerfile"), "--results", str(project / "none")]
    said = " ".join(told(words, capsys).split())
    assert "Of the last 10 commits, 6 rebuild COPY . . (line 4)" in said
    assert "`lab run --dockerfile" in said
    found = json.loads(told([*words, "--json"], capsys))
    assert found["run"] is None
    assert {one["took"] for one in found["instructions"]} == {None}
    assert {one["layer"] for one in found["instructions"]} == {None}


@pytest.mark.slow
def test_a_dockerfile_with_the_run_that_fits(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = project.parent / "results"
    stored(results, RUN)
    words = ["cost", str(project / "Dockerfile"), "--results", str(results)]
    said = " ".join(told(words, capsys).split())
    assert said.startswith(
        "RUN deps (line 3) takes most: 5 s (4 to 6 s, n = 2), 50 % of a build from nothing on "
        "docker (run 1-run)."
    )
    # 5 s in 2 of 10, and 4 s in 6 of 10
    assert "A commit costs 3.4 s of steps on average, over the last 10 commits" in said
    assert "most of it, 2.4 s, RUN make (line 5), which 6 of them rebuild." in said
    assert "2 of 4 instructions never ran in run 1-run" in said


def test_a_run_of_the_simulated_engine_is_no_older_lab_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = built(1, "cold", ("RUN make", MISS, 3.0))
    for name, storage, why in (
        ("simulated", "memory", "the engine makes none"),
        ("docker", "overlay2", "an older lab"),
    ):
        builds = (replace(one, cell={"engine": name}),)
        stored(tmp_path / name, builds, engines=(replace(ENGINE, name=name, storage=storage),))
        said = " ".join(told(["cost", "1-run", "--results", str(tmp_path / name)], capsys).split())
        assert f"Sizes of layers are not known: {why}" in said


def test_an_imported_run_says_what_its_record_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(
        tmp_path,
        (built(1, "imported", ("RUN deps", HIT, None), ("RUN make", MISS, 3.0)),),
        imported=({"file": "a.log"},),
    )
    said = " ".join(told(["cost", "1-run", "--results", str(tmp_path)], capsys).split())
    assert "RUN make takes most: 3 s (n = 1), 75 % of a build that runs it" in said
    assert "Sizes of layers are not known: an imported record has none." in said
    assert "lab import --together makes one run of many" in said
    assert "lab cost DOCKERFILE --run RUN" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "there are no runs"),
        (["nosuch.Dockerfile"], "there is no file"),
        (["Dockerfile", "--target", "nosuch"], "no stage is named"),
        (["Dockerfile", "--commits", "0"], "expected a number"),
        (["x", "--run", "y"], "a run beside --run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_costs_nothing_is_refused(
    project: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit) as stop:
        main(["cost", *words])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
