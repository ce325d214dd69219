"""Bases that are named beside a Dockerfile: every name that an image has, by no scenario file."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lab.cli import main
from lab.cli.api import scenarios
from lab.cli.commands import compare
from lab.images.sources.types import BaseSource
from lab.model.errors import InputError
from lab.runner import prepare
from lab.scenario.model import Scenario


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dockerfile that takes its base, and two root file systems of one name beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "Dockerfile").write_text("ARG BASE=golang:1.22\nFROM $BASE\nCOPY a /\n")
    (tmp_path / "a").write_text("a")
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        with tarfile.open(tmp_path / name / "root.tar", "w") as tar:
            tar.add(tmp_path / "a", arcname=f"etc/{name}")
    return tmp_path


def read(*bases: str, **images: str) -> Scenario:
    given = {name.replace("_", ":"): image for name, image in images.items()}
    return scenarios.read(None, dockerfile=Path("Dockerfile"), bases=bases, images=given)


@pytest.mark.usefixtures("folder")
def test_go_on_a_suite_an_archive_and_an_engines_image_are_bases() -> None:
    scenario = read("bookworm+go1.22.10", "old/root.tar", "docker:my/app:2", "debian:trixie")
    names = ("bookworm+go1.22.10", "root.tar", "docker-my-app-2", "debian-trixie")
    assert scenario.axes["base"] == names
    kinds = [(one.kind, one.value) for one in scenario.bases]
    assert kinds == [
        ("local", "bookworm+go1.22.10"),
        ("local", "old/root.tar"),
        ("local", "docker:my/app:2"),
        ("image", "debian:trixie"),
    ]


@pytest.mark.usefixtures("folder")
def test_two_archives_of_one_name_are_told_apart_and_are_made() -> None:
    scenario = read("old/root.tar", "new/root.tar")
    assert scenario.axes["base"] == ("old-root.tar", "new-root.tar")
    made = prepare.made_images(scenario, say=lambda _: None).bases
    assert len({one.digest for one in made.values()}) == 2
    assert all(one.moved is not None for one in made.values()), "edit:base moves them too"


@pytest.mark.usefixtures("folder")
def test_an_image_of_the_lab_stands_for_a_value_of_the_axis() -> None:
    scenario = read("golang:1", "golang:2", golang_1="old/root.tar", golang_2="trixie+go1.22.10")
    assert scenario.bases == (
        BaseSource(kind="local", value="old/root.tar", name="golang-1"),
        BaseSource(kind="local", value="trixie+go1.22.10", name="golang-2"),
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("trixi", "did you mean trixie?"),
        ("trixy+go1.22.10", "did you mean trixie+go1.22.10?"),
        ("gone/root.tar", "there is no base 'gone/root.tar'"),
        ("../Gone", "a suite such as bookworm or bookworm+go1.22.10"),
    ],
)
def test_what_names_no_base_is_told_without_a_scenario(
    capsys: pytest.CaptureFixture[str], wrong: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["compare", "--axis", "base", "bookworm", wrong, "Dockerfile"])
    told = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2
    assert said in told
    assert "scenario" not in told


@pytest.mark.usefixtures("folder")
def test_the_baseline_goes_by_the_name_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def ran(_: Scenario, options: object) -> None:
        asked.append(getattr(options, "baseline", None))
        raise InputError("this test builds nothing")

    monkeypatch.setattr(compare, "run_scenario", ran)
    words = ["compare", "--axis", "base", "old/root.tar", "new/root.tar", "Dockerfile"]
    with pytest.raises(SystemExit):
        main.main([*words, "--baseline", "new/root.tar"])
    assert asked == ["new-root.tar"]
