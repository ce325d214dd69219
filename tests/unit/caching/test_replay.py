"""Replays of generated histories, against an oracle that reads every commit anew with git."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from lab.caching.predict import CacheSimulator, predict
from lab.caching.predict.compare_builds import compare
from lab.caching.replay import CommitPredictor, HistoryTotal, Replay, Repository, replay
from lab.caching.replay.step_costs import measured, stated
from lab.dockerfile import dockerignore, parser
from lab.dockerfile.cachekey import FileFacts, archive_rules, of_files
from lab.model.errors import InputError
from lab.model.events import Outcome

TEXT = (
    "FROM base AS build\nWORKDIR /w\nCOPY go.mod *.sum ./\nRUN deps\nCOPY src/ src/\n"
    "RUN --mount=type=bind,source=conf,target=/c build\nFROM base\nCOPY --from=build /w /w\n"
    "COPY . /all\nRUN last\n"
)
IGNORE = "*.md\nsrc/gen\n!src/gen/keep.txt\n"


def git(folder: Path, *words: str) -> str:
    names = ("AUTHOR", "COMMITTER")
    who = {f"GIT_{name}_{part}": "a@b" for name in names for part in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True
    )
    return done.stdout.decode(errors="surrogateescape")


def write(folder: Path, path: str, data: bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


def step(folder: Path, rng: random.Random, number: int) -> None:
    """One random commit: contents, binary files, modes, renames, removals, links, merges."""
    kind = rng.choice(
        ["text", "binary", "mode", "rename", "remove", "link", "doc", "merge", "none"]
    )
    files = [path for path in git(folder, "ls-files", "src").splitlines() if '"' not in path]
    one = rng.choice(files)
    if kind == "text":
        write(folder, rng.choice([*files, f"src/n{number}.go", "go.mod", "conf/c"]), b"%d" % number)
    elif kind == "binary":
        write(folder, f"src/gen/{rng.choice(['keep.txt', 'x.bin'])}", rng.randbytes(300))
    elif kind == "mode":
        (folder / one).chmod(rng.choice([0o644, 0o755])) if not (
            folder / one
        ).is_symlink() else None
    elif kind == "rename":
        git(folder, "mv", one, f"src/moved{number}")
    elif kind == "remove" and len(files) > 3:
        git(folder, "rm", "-q", one)
    elif kind == "link":
        (folder / f"src/link{number}").symlink_to("nowhere")
    elif kind == "doc":
        write(folder, f"doc{number % 3}.md", b"%d" % number)
    elif kind == "merge" and number > 2:
        git(folder, "checkout", "-qb", f"side{number}", "HEAD~1")
        write(folder, f"src/side{number}.go", b"side %d" % number)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "side")
        git(folder, "checkout", "-q", "-")
        git(folder, "merge", "-q", "--no-ff", "-m", "merge", f"side{number}")
        return
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"{number}", "--allow-empty")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    git(folder, "init", "-q", "-b", "main")
    for path in ("go.mod", "go.sum", "src/a.go", "src/b/c.go", "src/gen/keep.txt", "conf/c"):
        write(folder, path, path.encode())
    write(folder, "Dockerfile", TEXT.encode())
    write(folder, ".dockerignore", IGNORE.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    rng = random.Random(11)
    for number in range(60):
        step(folder, rng, number)
    return folder


def files_of(folder: Path, commit: str) -> dict[str, FileFacts]:
    """What a checkout would send, straight from git ls-tree, without the code under test."""
    found = {}
    ignore = dockerignore.parse(IGNORE)
    listed = git(folder, "ls-tree", "-r", "-t", "-z", commit).split("\0")
    for line in filter(None, listed):
        head, path = line.split("\t", 1)
        mode, kind, name = head.split()
        if kind == "tree":
            continue  # a folder counts through its files
        if not ignore.excludes(path):
            found[path] = FileFacts(kind="file", content=name, mode=int(mode[-3:], 8))
    return found


def whole(repository: Repository, engine: str = "docker", path: str = "Dockerfile") -> HistoryTotal:
    predictor = CommitPredictor(repository, archive_rules(engine), path=path)
    (total,) = replay([Replay(predictor=predictor)], repository.commits(None))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["docker", "docker-classic", "podman", "simulated"])
def test_a_replay_predicts_as_whole_manifests_do(history: Path, engine: str) -> None:
    rules, cache = archive_rules(engine), CacheSimulator()
    with closing(Repository(history)) as repository:
        predictor = CommitPredictor(repository, rules)
        commits = list(repository.commits(None))
        assert len(commits) >= 60
        kinds = set()
        for commit in commits:
            inputs = of_files(parser.parse(TEXT), files_of(history, commit.id))
            expected = predict(inputs, rules, cache).outcomes
            predicted = predictor.predict(commit)
            assert predicted is not None
            for index, outcome in predicted.outcomes.items():
                assert expected[index] is outcome, (commit, inputs.by_index[index].text)
            kinds |= set(predicted.outcomes.values())
    assert kinds == {Outcome.HIT, Outcome.MISS}


# what each step of the Dockerfile depends on, itself and what stands above it
OWN_TEXT = "FROM base\nCOPY lab /l\nRUN one\nCOPY tests docs /t/\nRUN two\nCOPY . /all\n"
OWN_PATHS = (("lab",), ("lab",), ("lab", "tests", "docs"), ("lab", "tests", "docs"), ())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """This project's repository; of a copy that has none, one with the test's folder as it is."""
    root = Path(__file__).parents[3]
    if (root / ".git").exists():
        return root
    for name in ("lab", "tests", "docs"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "as it is")
    return tmp_path


@pytest.mark.slow
def test_this_projects_own_history_agrees_with_gits_trees(own: Path) -> None:
    """A checkout may be shallow: the test takes what history there is."""
    with closing(Repository(own)) as repository:
        commits = list(repository.commits(25, first_parent=True))
        predictor = CommitPredictor(repository, archive_rules("docker"), text=OWN_TEXT)
        predicted = [predictor.predict(commit) for commit in commits]
        predictor = CommitPredictor(repository, archive_rules("docker"), text=OWN_TEXT)
        (everything,) = replay([Replay(predictor=predictor)], repository.commits(None))
    count = int(git(own, "rev-list", "--count", "HEAD"))
    assert everything.commits == count >= len(commits) >= 1
    for index, paths in enumerate(OWN_PATHS, start=1):
        # Two commits do not differ in some paths where git lists the same trees there.
        trees = [git(own, "ls-tree", commit.id, "--", *paths) for commit in commits]
        for number, one in enumerate(predicted):
            assert one is not None
            seen = trees[number] in trees[:number]
            assert one.outcomes[index] is (Outcome.HIT if seen else Outcome.MISS), commits[number]


@pytest.mark.slow
def test_bare_clones_worktrees_and_shallow_clones_replay_alike(
    history: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(history), "bare")
    git(history, "worktree", "add", "-q", str(tmp_path / "tree"), "HEAD")
    git(tmp_path, "clone", "-q", "--depth=5", f"file://{history}", "shallow")
    totals = []
    for folder in (history, tmp_path / "bare", tmp_path / "tree", history / "src"):
        with closing(Repository(folder)) as repository:
            totals.append(whole(repository, "podman"))
    assert all(one == totals[0] for one in totals)
    with closing(Repository(tmp_path / "shallow")) as repository:
        total = whole(repository, "podman")
    assert total.commits == int(git(tmp_path / "shallow", "rev-list", "--count", "HEAD")) >= 5


def test_a_repository_of_sha256_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    for number in range(2):
        write(tmp_path, "src/a", b"%d" % number)
        write(tmp_path, "Dockerfile", b"FROM base\nCOPY src /s\nRUN x\n")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        total = whole(repository)
    assert total.steps["COPY src /s"].misses == 2


def test_commits_without_a_dockerfile_are_passed_over_and_counted(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number, text in enumerate(["", "FROM base\nRUN x\n", "NO DOCKERFILE\n", "FROM b\nRUN y\n"]):
        write(tmp_path, "a", b"%d" % number)
        if text:
            write(tmp_path, "Dockerfile", text.encode())
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        total = whole(repository)
    assert (total.commits, total.passed) == (2, 2)


def test_an_ignore_file_of_the_dockerfiles_own_goes_first(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.Dockerfile", b"FROM base\nCOPY . /s\n")
    write(tmp_path, ".dockerignore", b"nothing\n")
    write(tmp_path, "a.Dockerfile.dockerignore", b"*.log\n")
    for number in range(3):
        write(tmp_path, "x.log", b"%d" % number)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        total = whole(repository, path="a.Dockerfile")
    assert total.steps["COPY . /s"].misses == 1


@pytest.mark.slow
def test_totals_are_the_sum_of_what_was_told(history: Path) -> None:
    costs = {"RUN deps": 10.0, "RUN last": 1.5}
    with closing(Repository(history)) as repository:
        predictor = CommitPredictor(repository, archive_rules("docker"))
        commits = list(repository.commits(20, first_parent=True))
        assert len(commits) == 20
        (total,) = replay([Replay(predictor=predictor, costs=costs)], commits)
    assert total.commits == 20
    deps, last = total.steps["RUN deps"], total.steps["RUN last"]
    assert deps.hits + deps.misses == 20
    assert total.seconds == 10.0 * deps.misses + 1.5 * last.misses
    assert "COPY src/ src/" in total.unpriced
    assert total.hit_rate is not None
    assert 0 < total.hit_rate < 1


def test_a_better_order_replays_cheaper(history: Path) -> None:
    worse = "FROM base\nCOPY . .\nRUN deps\n"
    better = "FROM base\nCOPY go.mod .\nRUN deps\nCOPY . .\n"
    with closing(Repository(history)) as repository:
        several = [
            CommitPredictor(repository, archive_rules("docker"), text=text)
            for text in (worse, better)
        ]
        totals = replay(
            [Replay(predictor=one, costs={"RUN deps": 1.0}) for one in several],
            repository.commits(None),
        )
    assert totals[1].seconds < totals[0].seconds


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["none", "inline", "registry-max"])
def test_fresh_runners_have_what_the_commit_before_left(history: Path, strategy: str) -> None:
    """Each commit as it is predicted for itself, of whole manifests of it and the one before."""
    rules = archive_rules("docker", "28.5.2")
    with closing(Repository(history)) as repository:
        predictor = CommitPredictor(repository, rules)
        predictor.strategy = strategy
        before = None
        for commit in repository.commits(None):
            after = of_files(parser.parse(TEXT), files_of(history, commit.id))
            predicted = predictor.predict(commit)
            assert predicted is not None
            if before is not None:
                expected = compare(before, after, rules, strategy).build.outcomes
                assert {i: expected[i] for i in predicted.outcomes} == predicted.outcomes
            before = after


def test_the_more_a_cache_keeps_the_less_is_run_again(history: Path) -> None:
    strategies = ("none", "inline", "registry-max", "warm-disk")
    costs = {"RUN deps": 10.0, "RUN last": 1.0}
    with closing(Repository(history)) as repository:
        several = []
        for strategy in strategies:
            several.append(CommitPredictor(repository, archive_rules("docker")))
            several[-1].strategy = strategy
        replays = [Replay(predictor=one, costs=costs) for one in several]
        seconds = [total.seconds for total in replay(replays, repository.commits(None))]
    nothing, keys, layers, disk = seconds
    assert nothing > keys > layers >= disk


def test_no_repository_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is in no git repository"):
        Repository(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        Repository(tmp_path / "gone")
    git(tmp_path, "init", "-q")
    with (
        closing(Repository(tmp_path)) as repository,
        pytest.raises(InputError, match="has no commit yet"),
    ):
        list(repository.commits(None))


def test_prices_that_say_nothing_are_refused() -> None:
    assert stated(["RUN a=b=2.5"], ["RUN a=b c", "RUN d"]) == {"RUN a=b c": 2.5}
    for wrong in ("RUN a", "RUN a=x", "RUN a=-1", "RUN z=1"):
        with pytest.raises(InputError):
            stated([wrong], ["RUN a"])
    assert measured([], "docker") == {}


def test_a_commit_whose_ignore_file_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "Dockerfile", b"FROM base\nCOPY . /all\n")
    for text in (b"[", b"*.md\n"):
        write(tmp_path, ".dockerignore", text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        total = whole(repository)
    assert (total.commits, total.passed) == (1, 1)


def test_a_dockerfile_that_is_given_is_the_same_in_every_commit(tmp_path: Path) -> None:
    """Whatever Dockerfile the commits have: it is not what is built."""
    git(tmp_path, "init", "-q")
    write(tmp_path, "main.go", b"main")
    for number in range(3):
        write(tmp_path, "Dockerfile", b"FROM base\nRUN %d\n" % number)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        given = CommitPredictor(
            repository, archive_rules("docker"), text="FROM base\nCOPY . /all\n"
        )
        predicted = [given.predict(commit) for commit in repository.commits(None)]
    assert [one and one.outcomes[1] for one in predicted] == [
        Outcome.MISS,
        Outcome.HIT,
        Outcome.HIT,
    ]


@pytest.mark.parametrize("ignore", ["", "*.md\n"])
def test_a_submodule_counts_by_its_commit(ignore: str, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "Dockerfile", b"FROM base\nCOPY . /all\n")
    write(tmp_path, ".dockerignore", ignore.encode())
    git(tmp_path, "add", "-A")
    for digit in "112":
        git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{digit * 40},sub")
        git(tmp_path, "commit", "--allow-empty", "-qm", "one")
    with closing(Repository(tmp_path)) as repository:
        predictor = CommitPredictor(repository, archive_rules("docker"))
        predicted = [predictor.predict(commit) for commit in repository.commits(None)]
    assert [one and one.outcomes[1] for one in predicted] == [
        Outcome.MISS,
        Outcome.HIT,
        Outcome.MISS,
    ]
