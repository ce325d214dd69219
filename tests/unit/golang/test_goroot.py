"""Go versions side by side: choosing, going back, and being killed in the middle of it.

The versions here are folders with a script for a go command; tests/contract has real ones.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile import parser
from lab.golang.goroot import inject, switch
from lab.golang.goroot.home import Home, checked, remove
from lab.model.errors import InputError, MissingPrerequisite, StoreError

OLD, NEW = "1.22.10", "1.23.9"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "goroots")
    with home.locked("install"):
        for version in (OLD, NEW, "1.24.3"):
            go = home.tree(version) / "bin/go"
            go.parent.mkdir(parents=True)
            go.write_text(f"#!/bin/sh\necho go version go{version}\n")
            go.chmod(0o755)
    return home


def runs(path: Path) -> str:
    """The version that a go command at this path says of itself."""
    done = subprocess.run([path / "bin/go"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("go version go")


def test_use_and_roll_back(home: Home) -> None:
    for version in (OLD, NEW, "1.24.3"):
        switch.use(home, version)
        assert runs(home.current) == version
    assert [switch.rollback(home) for _ in range(2)] == [NEW, OLD]
    assert runs(home.current) == OLD
    with pytest.raises(InputError, match="no earlier version"):
        switch.rollback(home)
    assert runs(home.current) == OLD


def test_what_was_current_before_a_use_is_what_a_rollback_gives(home: Home) -> None:
    switch.use(home, OLD)
    switch.use(home, NEW)
    switch.rollback(home)
    switch.use(home, "1.24.3")  # came after OLD, although NEW was the last one used
    assert switch.rollback(home) == OLD


def test_generations_do_not_pile_up(home: Home) -> None:
    for turn in range(40):
        switch.use(home, (OLD, NEW)[turn % 2])
    assert len(list(home.generations_dir.iterdir())) <= switch.KEPT + 2  # and `current`
    for turn in range(switch.KEPT):
        assert switch.rollback(home) == (OLD, NEW)[turn % 2]


def test_the_go_command_that_runs_resolves_to_a_version(home: Home) -> None:
    switch.use(home, OLD)
    inside = (home.current / "bin/go").resolve()
    switch.use(home, NEW)
    assert inside == home.tree(OLD) / "bin/go"
    assert inside.is_file()


def test_a_place_of_ones_own_follows(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "go"
    assert switch.use(home, OLD, place=place) == "link"
    assert runs(place) == OLD
    switch.use(home, NEW, place=place)
    assert runs(place) == NEW
    assert switch.rollback(home, place=place) == OLD
    assert runs(place) == OLD


def test_a_folder_is_not_replaced_by_a_link(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "go"
    place.mkdir()
    with pytest.raises(InputError, match="no link can take its place"):
        switch.use(home, OLD, place=place, how="link")
    assert home.now() is None


def test_a_place_that_cannot_be_made_changes_nothing(home: Home, tmp_path: Path) -> None:
    switch.use(home, OLD)
    with pytest.raises(StoreError, match="cannot be made"):
        switch.use(home, NEW, place=tmp_path / "nothing/go")
    now = home.now()
    assert now is not None
    assert now.version == OLD


def test_without_root_an_overlay_says_what_it_needs(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "go"
    place.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingPrerequisite, match="only root may mount"):
        switch.use(home, OLD, place=place)
    assert home.now() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and overlayfs")
def test_an_overlay_shows_the_version_and_goes_without_trace(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "go"
    place.mkdir()
    (place / "of-the-distribution").touch()
    try:
        for version in (OLD, NEW, OLD, NEW):
            assert switch.use(home, version, place=place) == "overlay"
            assert runs(place) == version
            assert (place / "bin/go").resolve() == home.tree(version) / "bin/go"
        switch.rollback(home, place=place)
        assert runs(place) == OLD
        with pytest.raises(OSError, match="Read-only"):
            (place / "new").touch()
    finally:
        switch.release(place)
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    assert not [line for line in lines if f" {place} " in line]
    assert [path.name for path in place.iterdir()] == ["of-the-distribution"]


def test_status_warns_of_a_variable_that_leads_through_the_link(home: Home) -> None:
    switch.use(home, OLD)
    switch.use(home, NEW)
    clean = switch.status(home, {})
    assert (clean.current, clean.previous, clean.warnings) == (NEW, OLD, ())
    (warning,) = switch.status(home, {"GOROOT": str(home.current)}).warnings
    assert "unset GOROOT" in warning


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and overlayfs")
def test_status_warns_of_a_variable_that_names_an_overlay(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "go"
    place.mkdir()
    try:
        switch.use(home, OLD, place=place)
        (warning,) = switch.status(home, {"GOROOT": str(place)}, place=place).warnings
    finally:
        switch.release(place)
    assert "unset GOROOT" in warning
    assert switch.status(home, {"GOROOT": str(home.tree(OLD))}).warnings == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root and overlayfs")
def test_an_overlay_is_mounted_anew_only_for_other_names(home: Home, tmp_path: Path) -> None:
    def mounts() -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return [line.split()[0] for line in lines if f" {place} " in line]

    place = tmp_path / "go"
    place.mkdir()
    (home.tree("1.24.3") / "go.env").touch()
    try:
        switch.use(home, OLD, place=place)
        (first,) = mounts()
        switch.use(home, NEW, place=place)
        switch.use(home, OLD)  # a place shows what is current, wherever it was chosen
        assert (mounts(), runs(place)) == ([first], OLD)
        switch.use(home, "1.24.3", place=place)
        (second,) = mounts()
        assert (place / "go.env").exists()
        assert second != first
        switch.rollback(home, place=place)
        assert not (place / "go.env").is_symlink()
        assert runs(place) == OLD
    finally:
        switch.release(place)


def test_what_is_not_there(home: Home) -> None:
    with pytest.raises(InputError, match=r"1\.20\.1 is not installed"):
        switch.use(home, "1.20.1")
    with pytest.raises(InputError, match="is not a Go version"):
        switch.use(home, "../../etc")
    switch.use(home, OLD)
    with pytest.raises(InputError, match="is the current one"):
        remove(home, OLD)
    remove(home, NEW)
    assert home.versions() == (OLD, "1.24.3")


@given(st.text(max_size=12))
def test_a_version_never_leads_out_of_its_folder(text: str) -> None:
    try:
        name = checked(text)
    except InputError:
        return
    assert Path("/versions", name).resolve().parent == Path("/versions")


@pytest.mark.slow
def test_killed_at_random_points_a_working_version_is_left(home: Home) -> None:
    """100 times kill -9 while versions are being switched; each time one of them works."""
    switch.use(home, OLD)
    chooser = random.Random(4)
    for _ in range(100):
        child = os.fork()
        if child == 0:  # a fork, not a new interpreter: a hundred of those would take minutes
            try:
                for turn in range(1000):
                    switch.use(home, (NEW, OLD)[turn % 2])
            finally:
                os._exit(1)
        time.sleep(chooser.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert runs(home.current) in {OLD, NEW}
        assert home.now() is not None
    switch.use(home, "1.24.3")
    assert runs(home.current) == "1.24.3"
    assert switch.rollback(home) in {OLD, NEW}
    assert len(list(home.generations_dir.iterdir())) <= switch.KEPT + 2  # and `current`


def test_what_a_switch_asks_of_the_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that a loss of power needs, in one folder, and one wait for the disk at its end."""
    switch.use(home, NEW)
    steps: list[str] = []
    for name in ("symlink", "rename"):
        monkeypatch.setattr(os, name, _noted(steps, name, getattr(os, name)))
    monkeypatch.setattr(os, "fsync", _noted(steps, "fsync", os.fsync))
    switch.use(home, OLD)
    assert steps == ["symlink", "symlink", "rename", "fsync"]
    link = home.current.readlink()
    assert (home.root / link).parent == home.generations_dir
    assert len((home.root / link).readlink().parts) == 1


def test_a_home_of_an_older_lab_goes_on(home: Home) -> None:
    """Where ``current`` names a generation itself."""
    (home.generations_dir / "4-0").symlink_to(Path("../versions") / OLD)
    home.current.symlink_to(Path("generations/4-0"))
    assert switch.status(home, {}).current == OLD
    switch.use(home, NEW)
    assert runs(home.current) == NEW
    assert switch.rollback(home) == OLD
    assert runs(home.current) == OLD


def _noted(steps: list[str], name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*arguments: Any, **named: Any) -> Any:
        steps.append(name)
        return call(*arguments, **named)

    return noted


@pytest.mark.slow
def test_the_command_line(home: Home) -> None:
    def lab(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from lab.cli.main import main; main()"
        line = [sys.executable, "-c", code, "goroot", "--home", str(home.root), *words]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    assert lab("use", OLD).returncode == 0
    assert lab("use", NEW).returncode == 0
    assert "* 1.23.9" in lab("list").stdout
    assert "1.22.10 is current again" in lab("rollback").stdout
    assert '"current": "1.22.10"' in lab("status", "--json").stdout
    again = lab("install", OLD, "--from", "/dev/null")
    assert again.returncode == 0
    assert "/dev/null was not read" in again.stdout
    gone = lab("use", "1.9.9")
    assert gone.returncode == 2
    assert "lab goroot install 1.9.9" in gone.stderr


def test_what_is_injected_works_where_it_is_put(home: Home, tmp_path: Path) -> None:
    """A shell takes the lines, and they win over a GOROOT that was set; the rest is valid YAML."""
    tree = home.tree(OLD)
    lines = inject.inject("shell", inject.Chosen(goroot=tree, version=OLD))
    script = f"export GOROOT=/elsewhere\n{lines}go version; echo ${{GOROOT-unset}}\n"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"go version go{OLD}", "unset"]
    (step,) = yaml.safe_load(inject.inject("github", inject.Chosen(goroot=tree, version=OLD)))
    paths = {"GITHUB_PATH": str(tmp_path / "path"), "GITHUB_ENV": str(tmp_path / "env")}
    subprocess.run(["bash", "-c", step["run"]], env=os.environ | paths, check=True)
    assert (tmp_path / "path").read_text() == f"{tree}/bin\n"
    pipeline = yaml.safe_load(inject.inject("gitlab", inject.Chosen(goroot=tree, version=OLD)))
    script = "\n".join([*pipeline["before_script"], "go version"])
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"go version go{OLD}\n"
    assert parser.parse(
        f"FROM scratch\n{inject.inject('dockerfile', inject.Chosen(goroot=tree, version=OLD))}"
    )


def test_a_path_that_cannot_stand_in_path_is_refused() -> None:
    for kind in inject.KINDS:
        with pytest.raises(InputError):
            inject.inject(kind, inject.Chosen(goroot=Path("/a:b"), version=OLD))
