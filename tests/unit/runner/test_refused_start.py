"""A start that is refused leaves no run, and `latest` is a run with builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.cli.api import comparing
from lab.host import debian
from lab.model.errors import InputError, LabError, MissingPrerequisite
from lab.results import runs
from lab.runner import session
from lab.scenario import loader
from tests.unit.runner.test_session import TEXT, Nobody


def start(folder: Path, text: str, **endpoints: str) -> runs.StoredRun:
    path = folder / "scenario.yaml"
    path.write_text(text)
    options = session.Options(results=folder / "results", endpoints=endpoints)
    return session.run(loader.load(path), options, say=lambda _: None, watcher=Nobody())


def test_an_engine_that_is_not_there_leaves_no_run(tmp_path: Path) -> None:
    stored = start(tmp_path, TEXT)
    docker = TEXT.replace("[simulated]", "[docker]")
    with pytest.raises(LabError) as refused:
        start(tmp_path, docker, docker=f"unix://{tmp_path}/nope.sock")
    assert "--resume" not in (refused.value.remedy or ""), "there is nothing to go on with"
    assert runs.runs(tmp_path / "results") == [stored.run.id]
    assert runs.load("latest", tmp_path / "results").run.id == stored.run.id


def test_latest_names_no_run_without_builds(tmp_path: Path) -> None:
    stored = start(tmp_path, TEXT)
    later = tmp_path / "results" / "29991231-235959-later"
    later.mkdir()
    head = (stored.folder / "run.json").read_text()
    (later / "run.json").write_text(head.replace(stored.run.started, "2999-12-31T23:59:59+00:00"))
    (later / "builds.jsonl").touch()
    assert runs.load("latest", tmp_path / "results").run.id == stored.run.id
    (stored.folder / "builds.jsonl").write_text("")
    found = runs.load("latest", tmp_path / "results")
    assert "has no builds" in str(runs.without_builds(found)), "which is what its readers say"
    with pytest.raises(InputError, match="has no builds") as refused:
        comparing.stored([found.run.id], tmp_path / "results")
    assert "--resume" not in (refused.value.remedy or ""), "a run that is complete does not go on"


def test_without_root_the_remedy_names_what_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "mmdebstrap"
    tool.parent.mkdir()
    # what mmdebstrap 1.3.5 says of a user without ranges in /etc/subuid
    tool.write_text("#!/bin/sh\necho 'E: unable to pick chroot mode automatically' >&2\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    assert subprocess.run(["mmdebstrap"], check=False, capture_output=True).returncode == 1
    with pytest.raises(MissingPrerequisite) as refused:
        debian.mmdebstrap([], "bookworm", tmp_path / "root.tar", None, what="the base bookworm")
    for word in ("sudo", "uidmap", "/etc/subuid"):
        assert word in str(refused.value.remedy)
    assert "mirror" not in str(refused.value.remedy)
