"""Delivery figures of a history that git itself made, against figures counted by hand."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab.cli.main import main
from lab.model.origin import Origin
from lab.results import store
from lab.results.delivery import Deployment, delivery
from tests import factories

DAY = 86_400
NOW = int(time.time())


class Repository:
    """A repository whose commits are made at times of one's own: days before now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, at: float = 0.0, written: float | None = None) -> str:
        """``at`` and ``written`` are days ago."""
        clock = {
            "GIT_COMMITTER_DATE": f"@{NOW - int(at * DAY)} +0000",
            "GIT_AUTHOR_DATE": f"@{NOW - int((at if written is None else written) * DAY)} +0000",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *who, *words],
            cwd=self.folder, env=os.environ | clock, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, message: str, at: float, written: float | None = None) -> str:
        """An empty commit; its id."""
        self.git("commit", "-q", "--allow-empty", "-m", message, at=at, written=written)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, at: float) -> None:
        """A tag with a date of its own."""
        self.git("tag", "-a", name, "-m", name, at=at)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """v1 before the window; v2 brings two commits, one of them bad; v3 takes that back; v4 is well;
    v5 is mended by a hot fix that v6 brings.
    """
    made = Repository(tmp_path / "repository")
    made.commit("start", 100)
    made.tag("v1", 100)
    made.commit("slow cache", 22, written=25)
    bad = made.commit("new cache", 21)
    made.tag("v2", 20)
    made.commit(f'Revert "new cache"\n\nThis reverts commit {bad}.', 18.5)
    made.tag("v3", 18)
    made.commit("tidy", 11)
    made.tag("v4", 10)
    made.commit("search", 6)
    made.tag("v5", 5)
    made.commit("Hotfix: search of nothing", 4.75)
    made.tag("v6", 4.5)
    made.commit("not deployed", 1)
    return made


def told(
    repository: Repository, capsys: pytest.CaptureFixture[str], *more: str, days: int = 28
) -> dict[str, Any]:
    argv = ["delivery", "--repo", str(repository.folder), "--days", str(days), "--json", *more]
    with pytest.raises(SystemExit, match="0"):
        main(argv)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.slow
def test_the_figures_are_those_counted_by_hand(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = str(tmp_path / "none")
    found = told(repository, capsys, "--tags", "v*", "--results", results)
    assert [one["name"] for one in found["deployments"]] == ["v2", "v3", "v4", "v5", "v6"]
    assert found["frequency"]["value"] == pytest.approx(5 / 4)
    # Garwood, Biometrika 1936: 5 events, 1.6235 to 11.6683.
    assert found["frequency"]["interval"] == pytest.approx([1.6235 / 4, 11.6683 / 4], abs=1e-4)
    # 25 - 20, 21 - 20, 18.5 - 18, 11 - 10, 6 - 5, 4.75 - 4.5 days: six commits
    assert found["lead_s"]["count"] == 6
    assert found["lead_s"]["value"] == pytest.approx(1 * DAY)
    assert found["lead_s"]["interval"] == pytest.approx([0.25 * DAY, 5 * DAY])
    assert found["failed"] == [["v2", "v3"], ["v5", "v6"]]
    # Wilson, 2 of 5.
    assert found["failure_rate"]["interval"] == pytest.approx([0.1176, 0.7693], abs=1e-4)
    assert found["recovery_s"]["value"] == pytest.approx(1.25 * DAY)
    assert found["recovery_s"]["interval"] is None
    assert "revert" in found["definitions"]["failure_rate"]


def test_without_tags_each_first_parent_is_a_deployment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Repository(tmp_path / "repository")
    made.commit("start", 50)
    made.git("checkout", "-q", "-b", "topic")
    made.commit("one", 9)
    made.commit("two", 8)
    made.git("checkout", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "merge topic", "topic", at=7)
    found = told(made, capsys, "--results", str(tmp_path / "none"))
    assert len(found["deployments"]) == 1
    assert found["lead_s"]["count"] == 2  # the merge itself is no change
    assert found["lead_s"]["value"] == pytest.approx(1.5 * DAY)


@pytest.mark.slow
def test_what_builds_take_of_the_lead_time_is_of_runs_of_its_commits(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = repository.git("rev-parse", "v4^{commit}")
    for number in (1, 2):
        run = factories.run(
            f"run-{number}", started=f"2026-11-2{number}T10:00:00+00:00",
            origin=Origin(commit=commit),
        )  # fmt: skip
        with store.create(tmp_path / "results", run) as writer:
            writer.append(factories.build())
            writer.finish("complete", finished=f"2026-11-2{number}T10:12:00+00:00")
    found = told(repository, capsys, "--tags", "v*", "--results", str(tmp_path / "results"))
    assert found["building_s"]["value"] == 2 * 12 * 60
    assert found["building_share"]["value"] == pytest.approx(24 * 60 / DAY)


@pytest.mark.slow
def test_a_failure_that_is_not_mended_yet_is_none_and_a_lightweight_tag_counts(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("tag", "w1", "v2^{commit}")
    found = told(repository, capsys, "--tags", "w*", "--results", str(tmp_path / "none"))
    assert found["failed"] == []
    assert found["failure_rate"]["interval"][1] > 0.7  # of one case nothing is known


def test_no_deployment_is_no_figure() -> None:
    found = delivery([Deployment(name="a", commit="x", at=1.0)], [], {}, since=5.0, until=6.0)
    assert found.lead_s.value is None
    assert found.failure_rate.value is None
    assert found.frequency.value == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tags", "none*"], "no deployment in 28 days"),
        (["--branch", "nowhere"], "nowhere"),
        (["--branch=--output=x"], "output"),
    ],
)
def test_what_is_not_there_is_said(
    repository: Repository, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["delivery", "--repo", str(repository.folder), "--days", "28", *more])
    assert said in capsys.readouterr().err
    assert not (repository.folder / "x").exists()


@pytest.mark.slow
def test_the_text_says_intervals_and_definitions(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--repo", str(repository.folder), "--tags", "v*", "--results", str(tmp_path / "none")]
    with pytest.raises(SystemExit, match="0"):
        main(["delivery", "--days", "28", *argv])
    text = capsys.readouterr().out
    assert "lead time           1 d (95 %: 6 h to 5 d; of 6)" in text
    assert "recovery time       1.25 d (of 2: too few for an interval)" in text
    assert "failed: v5, mended by v6" in text
