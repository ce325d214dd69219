"""Copies in memory: equal to their source, read-only, renewed, given back, and killed on the way.

The oracles are sha256sum, systemd's tools, inode numbers and the kernel's table of mounts.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.golang.goroot import home as homes
from lab.golang.goroot import mounting, stage, sums, systemd, watching
from lab.golang.goroot.home import Home
from lab.host import facts as host
from lab.host.paths import SHARED_MEMORY
from lab.model.errors import InputError, LabError, MissingPrerequisite, SourceError, StoreError
from tests.factories import quiet

GO = "1.22.10"
NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: root only")


@pytest.fixture
def home() -> Iterator[Home]:
    """In a folder that any user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="lab-stage-"))
    folder.chmod(0o755)
    home = Home(folder / "goroots")
    with home.locked("install"):
        for name in ("bin/go", "src/fmt/print.go", "src/os/file.go", "VERSION"):
            path = home.tree(GO) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\necho {name}\n" * 400)
            path.chmod(0o755 if name == "bin/go" else 0o644)
    yield home
    for one in (GO, stage.DRAFT):
        while mounting.unmount(place := home.root / "staged" / one) or mounts(place):
            subprocess.run(["umount", "--lazy", place], check=True)
    shutil.rmtree(folder)


def mounts(below: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(below) in line]


def sha256sum(tree: Path, listed: Path) -> bool:
    command = ["sha256sum", "--check", "--quiet", "--strict", listed]
    return subprocess.run(command, cwd=tree, capture_output=True, check=False).returncode == 0


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(NAMES, st.binary(min_size=32, max_size=32).map(bytes.hex)))
def test_sums_are_read_as_they_were_written(found: dict[str, str]) -> None:
    assert sums.parse(sums.text(found), Path("x")) == found


def test_sha256sum_takes_the_sums_and_the_lab_takes_sha256sums(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    for name in ("plain", "deep/new\nline", "deep/back\\slash", " blank"):
        (tree / name).write_text(name)
    listed = tmp_path / "listed"
    listed.write_text(sums.text(sums.of(tree)))
    assert sha256sum(tree, listed)
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
    said = subprocess.run(["sha256sum", *names], cwd=tree, capture_output=True, check=True).stdout
    assert sums.parse(said.decode(), listed) == sums.of(tree)
    (tree / "plain").write_text("other")
    (tree / "more").touch()
    (tree / " blank").unlink()
    differs = sums.difference(sums.parse(listed.read_text(), listed), sums.of(tree))
    assert (differs.missing, differs.added, differs.changed) == ((" blank",), ("more",), ("plain",))
    assert not sha256sum(tree, listed)
    with pytest.raises(InputError, match="line 1"):
        sums.parse("no sum at all\n", listed)


@root_only
def test_staged_checked_read_only_and_given_back(home: Home) -> None:
    one = stage.stage(home, GO, say=quiet)
    assert (one.means, one.tree, one.read_only) == ("mount", 1, True)
    assert host.filesystem(one.goroot) == "tmpfs"
    assert sha256sum(one.goroot, one.place / "trees/1.sha256")
    assert not stage.difference(one)
    with pytest.raises(OSError, match="Read-only"):
        (one.goroot / "bin/go").write_text("no")
    assert stage.staged(home) == (one,)
    assert stage.unstage(home, GO)
    assert not stage.unstage(home, GO)
    assert not mounts(home.root)
    assert stage.staged(home) == ()


@pytest.mark.slow
@root_only
def test_a_refresh_copies_what_changed_and_keeps_what_runs(home: Home) -> None:
    first = stage.stage(home, GO, say=quiet)
    running = (first.goroot / "bin/go").resolve()
    source = home.tree(GO) / "src/fmt/print.go"
    facts = source.stat()
    source.write_text(source.read_text().replace("print", "PRINT"))
    os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # what rsync alone would not see
    (home.tree(GO) / "src/os/file.go").unlink()
    said: list[str] = []
    second = stage.stage(home, GO, say=said.append)
    assert said == [f"Go {GO}: 1 files copied, 1 removed"]
    assert second.tree == 2
    assert second.read_only
    assert not (second.goroot / "src/os/file.go").exists()
    assert sha256sum(second.goroot, second.place / "trees/2.sha256")
    inodes = {
        name: [(one.place / "trees" / tree / name).stat().st_ino for tree in ("1", "2")]
        for one in [second]
        for name in ("bin/go", "src/fmt/print.go")
    }
    assert inodes["bin/go"][0] == inodes["bin/go"][1]  # shared: it takes no memory twice
    assert inodes["src/fmt/print.go"][0] != inodes["src/fmt/print.go"][1]
    assert running.is_file()  # a go command from before the refresh keeps its tree
    assert stage.stage(home, GO, say=said.append).tree == 2
    assert said[-1].endswith("nothing changed")
    (home.tree(GO) / "VERSION").write_text("3")
    stage.stage(home, GO, say=quiet)
    assert sorted(path.name for path in (second.place / "trees").iterdir()) == [
        "2",
        "2.sha256",
        "3",
        "3.sha256",
    ]


@root_only
def test_a_copy_in_use_is_kept_unless_it_is_let_go(home: Home) -> None:
    one = stage.stage(home, GO, say=quiet)
    with subprocess.Popen(["sleep", "60"], cwd=one.goroot) as user:
        try:
            with pytest.raises(StoreError, match=rf"in use by sleep \({user.pid}\)"):
                stage.unstage(home, GO)
            assert stage.of(home, GO) is not None
            assert stage.unstage(home, GO, lazy=True)
            assert not mounts(home.root)
        finally:
            user.kill()


@root_only
def test_room_is_looked_for_beforehand(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="too few"):
        stage.stage(home, GO, size=4096, say=quiet)
    monkeypatch.setattr(host, "memory_available", lambda: stage.LEFT + 4096)
    with pytest.raises(MissingPrerequisite, match="in memory"):
        stage.stage(home, GO, say=quiet)
    assert not mounts(home.root)
    monkeypatch.undo()
    assert stage.stage(home, GO, size=64 << 20, say=quiet).limit == 64 << 20
    with pytest.raises(InputError, match="is staged with"):
        stage.stage(home, GO, size=32 << 20, say=quiet)


@pytest.mark.slow
@root_only
def test_killed_while_staging_nothing_is_left_by_the_next_start(home: Home) -> None:
    chooser = random.Random(5)
    for number in range(200):
        (home.tree(GO) / f"src/more{number}.go").write_text("package more\n" * 200)
    begun = time.monotonic()
    stage.stage(home, GO, say=quiet)
    took = time.monotonic() - begun
    assert stage.unstage(home, GO)
    seen = set()
    for delay in (0.0, 3 * took, *(chooser.uniform(0, 1.2 * took) for _ in range(10))):
        (home.tree(GO) / "VERSION").write_text(str(chooser.random()))
        child = os.fork()
        if child == 0:
            try:
                stage.stage(home, GO, say=quiet)
                time.sleep(60)
            finally:
                os._exit(1)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(len(mounts(home.root)))
        if chooser.random() < 0.5:
            stage.unstage(home, GO)
            assert not mounts(home.root)
        elif one := stage.of(home, GO):
            assert sha256sum(one.goroot, one.place / "trees" / f"{one.tree}.sha256")
    assert len(seen) > 1, "every kill came at the same moment"
    one = stage.stage(home, GO, say=quiet)
    assert sha256sum(one.goroot, one.place / "trees" / f"{one.tree}.sha256")
    assert len(mounts(home.root)) == 1
    assert stage.unstage(home, GO)
    assert not mounts(home.root)


@pytest.mark.slow
@root_only
def test_without_root_a_folder_in_memory_does_it(home: Home) -> None:
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home.root], check=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            one = stage.stage(home, GO, say=quiet)
            assert one.means == "folder"
            assert host.filesystem(one.goroot.resolve()) == "tmpfs"
            assert sha256sum(one.goroot, one.place / "trees/1.sha256")
            with pytest.raises(PermissionError):
                (one.goroot / "bin/go").write_text("no")
            with pytest.raises(PermissionError):
                (one.goroot / "bin/more").touch()
            (home.tree(GO) / "VERSION").write_text("2")
            assert stage.stage(home, GO, say=quiet).tree == 2
            assert stage.unstage(home, GO)
            code = 0
        except BaseException as error:  # noqa: BLE001 (the parent has to see it)
            os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not list(SHARED_MEMORY.glob(f"lab-goroots-{NOBODY}-*"))


@pytest.mark.slow
def test_a_change_is_told_by_the_kernel(home: Home) -> None:
    stop, seen = threading.Event(), []

    def watch() -> None:
        for names in watching.changes(home.tree(GO), stop=stop):
            seen.extend(names)
            if "src/deep/new.go" in seen:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        deadline = time.monotonic() + 20
        while watcher.is_alive() and time.monotonic() < deadline:
            (home.tree(GO) / "src/deep").mkdir(exist_ok=True)
            (home.tree(GO) / "src/deep/new.go").write_text(str(time.monotonic()))
            time.sleep(0.5)
    finally:
        stop.set()
        watcher.join()
    assert "src/deep/new.go" in seen


@root_only
def test_systemds_own_tools_take_the_files_and_do_what_stage_does(
    home: Home, tmp_path: Path
) -> None:
    unit, service, conf = systemd.generate(home, GO, tmp_path / "etc")
    verify = ["systemd-analyze", "verify", "--man=no", unit, service]
    said = subprocess.run(verify, capture_output=True, text=True, check=True)
    assert str(tmp_path) not in said.stderr
    escaped = ["systemd-escape", "--path", "--suffix=mount", home.root / "staged" / GO]
    named = subprocess.run(escaped, capture_output=True, text=True, check=True)
    assert unit.name == named.stdout.strip()
    # As at boot: mount, systemd-tmpfiles, then the service's commands, here below another root.
    root = tmp_path / "root"
    inside = root / home.root.relative_to("/")
    shutil.copytree(home.root, inside)
    subprocess.run(["systemd-tmpfiles", "--create", f"--root={root}", conf], check=True)
    place = inside / "staged" / GO
    for line in service.read_text().splitlines():
        if line.startswith(("ExecStart=/usr/bin/sha256sum", "ExecStart=/usr/bin/ln")):
            command = line.removeprefix("ExecStart=").replace(str(home.root), str(inside))
            subprocess.run(command.split(), cwd=place / "trees/1", check=True)
    assert sha256sum(place / "now", home.sums_at(GO))
    assert os.access(place / "now/bin/go", os.X_OK)
    # What is mounted by the unit's options is what `lab goroot stage` recognises.
    said = unit.read_text()
    options = next(line for line in said.splitlines() if line.startswith("Options="))[8:]
    target = home.root / "staged" / GO
    target.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, stage.SOURCE, target], check=True)
    shutil.copytree(place, target, symlinks=True, dirs_exist_ok=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)
    one = stage.of(home, GO)
    assert one is not None
    assert (one.means, one.read_only) == ("mount", True)
    assert stage.unstage(home, GO)


@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        ("systemd/system/x.service", "[Service]\nExecStart=nowhere --relative\n"),
        ("systemd/system/x.service", "[Service]\nExecStrat=/usr/bin/true\n"),
        ("tmpfiles.d/x.conf", "Zork /x\n"),
        ("tmpfiles.d/x.conf", "d relative/path\n"),
    ],
)
def test_files_that_systemd_does_not_take_are_refused(
    file: str, wrong: str, tmp_path: Path
) -> None:
    for folder in ("systemd/system", "tmpfiles.d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "systemd/system/y.service").write_text("[Service]\nExecStart=/usr/bin/true\n")
    systemd.check(tmp_path)
    (tmp_path / file).write_text(wrong)
    with pytest.raises(LabError, match="systemd"):
        systemd.check(tmp_path)


def test_units_of_a_changed_version_are_refused(home: Home, tmp_path: Path) -> None:
    assert not homes.difference(home, GO)  # the first sums
    (home.tree(GO) / "VERSION").write_text("other")
    assert homes.difference(home, GO).changed == ("VERSION",)
    with pytest.raises(SourceError, match="not what was installed"):
        systemd.generate(home, GO, tmp_path)
    assert not list(tmp_path.iterdir())
