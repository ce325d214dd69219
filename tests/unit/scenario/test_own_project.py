"""A Dockerfile becomes a scenario: it reads back, it names what changes often, and it runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.errors import InputError
from lab.scenario import loader, own_project, placeholder_images, plan
from lab.scenario.build_inputs import render_cell
from lab.scenario.model import Own


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository in which src/often.go changed three times and zz.go once."""
    folder = tmp_path / "My App!"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    git(folder, "init", "-q")
    for number in range(3):
        (folder / "src" / "often.go").write_text(f"package a // {number}\n")
        (folder / "logo.png").write_bytes(b"\x89PNG" + bytes([number]))
        (folder / "zz.go").write_text("package b\n")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", f"{number}")
    return folder


def test_the_scenario_reads_back_and_edits_what_changes_often(folder: Path) -> None:
    project = own_project.found(folder / "Dockerfile", None)
    text = own_project.commented(project, folder.parent)
    scenario = loader.parse(text, folder.parent / "lab.yaml")
    assert (scenario.name, scenario.engines) == ("my-app", ("docker", "podman"))
    assert isinstance(scenario.workload, Own)
    assert scenario.workload.context == folder
    assert scenario.phases == ("cold", "rebuild", "edit:file")
    (edit,) = scenario.edits["file"]
    assert "src/often.go" in repr(edit)
    assert scenario.until is not None


def test_without_a_history_or_a_file_to_comment_an_instruction_is_edited(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    project = own_project.found(tmp_path / "Dockerfile", None)
    assert loader.parse(own_project.commented(project, Path())).phases[-1] == "edit:instruction"


def test_without_a_history_no_more_is_read_than_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder without git, the file nearest to the root that is sent; not all that it holds."""
    for name in ("deep/er/a.py", "kept/b.py", "b.py", ".hidden/a.py", "a.py", "Dockerfile"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".dockerignore").write_text("/a.py\n")
    looked: list[str] = []
    scandir = os.scandir

    def seen(path: Path) -> Iterator[os.DirEntry[str]]:
        looked.append(str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(own_project.os, "scandir", seen)
        assert own_project.found(tmp_path / "Dockerfile", None).edited == "b.py"
    assert not [path for path in looked if "er" in Path(path).parts]
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "deep")
    assert own_project.found(tmp_path / "Dockerfile", None).edited == "deep/er/a.py"


def test_a_dockerfile_in_a_folder_of_the_context(folder: Path) -> None:
    (folder / "ci").mkdir()
    (folder / "ci/app.Dockerfile").write_text("FROM scratch\n")
    project = own_project.found(folder / "ci/app.Dockerfile", folder)
    assert project.dockerfile == "ci/app.Dockerfile"


@pytest.mark.parametrize(
    ("dockerfile", "context", "said"),
    [
        ("nope", None, "there is no file"),
        ("Dockerfile", "nope", "is no folder"),
        ("Dockerfile", "src", "outside of the context"),
    ],
)
def test_what_cannot_be_built_is_refused(
    folder: Path, dockerfile: str, context: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        own_project.found(folder / dockerfile, None if context is None else folder / context)


def test_lab_new_writes_a_scenario_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for code in (0, 2):
        with pytest.raises(SystemExit) as ended:
            main.main(["new", "--output", "lab.yaml"])
        assert ended.value.code == code
    assert "next: lab run lab.yaml" in capsys.readouterr().out
    workload = loader.load(Path("lab.yaml")).workload
    assert workload == Own(context=Path(), dockerfile="Dockerfile")


@pytest.mark.slow
def test_lab_run_takes_a_dockerfile(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the simulated engine, which has no registry to ask: what was run is in the record."""
    (folder / "Dockerfile").write_text(
        "ARG TAG=1.22\nFROM golang:$TAG AS a\nFROM debian:12\nCOPY . /\nCOPY --from=busybox / /\n"
    )
    monkeypatch.chdir(folder)
    words = ["run", "--dockerfile", "Dockerfile", "--engine", "simulated", "--rounds", "2"]
    with pytest.raises(SystemExit) as ended:
        main.main([*words, "--quiet", "--results", "../out"])
    assert ended.value.code == 0, capsys.readouterr()
    (head,) = folder.parent.glob("out/*/run.json")
    assert json.loads(head.read_text())["scenario"]["name"] == "my-app"
    builds = head.with_name("builds.jsonl").read_text().splitlines()
    assert [json.loads(line)["phase"] for line in builds[:3]] == ["cold", "rebuild", "edit:file"]


def test_what_the_dockerfile_names_is_built_on_an_image_of_the_lab(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario names it by a path that counts from its own folder."""
    (folder / "Dockerfile").write_text("FROM debian:bookworm\nCOPY . /\n")
    (folder / "base.tar").write_bytes(b"")
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main.main(["new", "--output", "lab.yaml", "--base-image", "debian:bookworm=base.tar"])
    assert ended.value.code == 0
    scenario = loader.load(folder / "lab.yaml")
    assert isinstance(scenario.workload, Own)
    assert scenario.workload.images == {"debian:bookworm": str(folder / "base.tar")}
    (cell, _) = plan.cells(scenario)
    made = render_cell(
        scenario,
        cell.axes,
        placeholder_images.images(scenario, cell.axes),
        plan.project(scenario),
        "",
    )
    assert made.inputs.dockerfile == "FROM localhost/lab/base:debian-bookworm\nCOPY . /\n"
    assert [image.ref for image in made.images] == ["localhost/lab/base:debian-bookworm"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (
            ["--base-image", "debian:12=bookworm"],
            "--base-image debian:12: Dockerfile does not name that image",
            "belongs one of debian:bookworm",
        ),
        (["--base-image", "debian:12"], "it names no image", "REF=IMAGE"),
    ],
)
def test_what_is_wrong_with_a_base_is_told_of_the_dockerfile(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
    remedy: str,
) -> None:
    (folder / "Dockerfile").write_text("FROM debian:bookworm\nCOPY . /\n")
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main.main(["run", "--dockerfile", "Dockerfile", "--rounds", "1", "--quiet", *words])
    told = capsys.readouterr().err
    assert said in told
    assert remedy in told


def test_a_dockerfile_without_arg_base_is_told_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main.main(["compare", "--axis", "base", "bookworm", "trixie", "Dockerfile"])
    told = capsys.readouterr().err
    assert told.startswith("lab: Dockerfile is built on no base")
    assert "'ARG BASE' above 'FROM $BASE'" in told
