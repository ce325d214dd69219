"""Real toolchains, real builds and a real loss of power under `lab goroot use`."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.golang.bench import switching
from lab.golang.goroot import home as homes
from lab.golang.goroot import switch
from lab.golang.goroot.home import Home
from lab.host.paths import cache_dir

OLD, NEW = "1.22.10", "1.23.9"
# EXT4_IOC_SHUTDOWN (linux/ext4.h), XFS_IOC_GOINGDOWN (xfs_fs.h), with ..._NOLOGFLUSH: the file
# system stops as at a loss of power, with what the journal on the disk holds and nothing more.
SHUTDOWN, NOLOGFLUSH = 0x8004587D, (2).to_bytes(4, "little")

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: root only")


@pytest.fixture(scope="module")
def home() -> Home:
    home = Home(cache_dir() / "goroots")
    for version in (OLD, NEW):
        homes.install(home, version, say=lambda _: None)
    return home


def test_no_build_sees_two_versions(home: Home, tmp_path: Path) -> None:
    seen = switching.under_builds(home, (OLD, NEW), folder=tmp_path, switches=100)
    assert seen.facts["builds"] >= 4, seen
    assert (seen.facts["failed builds"], seen.facts["mixed builds"]) == (0, 0), seen.notes


@root_only
def test_no_build_sees_two_versions_at_an_overlay(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "usr-local-go"
    place.mkdir()
    try:
        seen = switching.under_builds(home, (OLD, NEW), folder=tmp_path, switches=100, place=place)
    finally:
        switch.release(place)
    assert seen.facts["how"] == "overlay"
    assert seen.facts["builds"] >= 4, seen
    assert (seen.facts["failed builds"], seen.facts["mixed builds"]) == (0, 0), seen.notes


def test_the_experiment_does_see_a_mixture(home: Home, tmp_path: Path) -> None:
    """With GOROOT set to the link, the way that `lab goroot status` warns of."""
    seen = switching.under_builds(
        home,
        (OLD, NEW),
        folder=tmp_path,
        switches=60,
        environment={"GOROOT": str(home.current)},
    )
    assert int(seen.facts["failed builds"]) + int(seen.facts["mixed builds"]) > 0


@pytest.fixture(params=["ext4", "xfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    image, point = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(320 << 20)
    subprocess.run([f"mkfs.{request.param}", "-q", image], check=True)
    point.mkdir()
    subprocess.run(["mount", "-o", "loop", image, point], check=True)
    try:
        yield image, point
    finally:
        subprocess.run(["umount", point], check=True)


@root_only
def test_power_loss_leaves_the_old_or_the_new(disk: tuple[Path, Path]) -> None:
    image, point = disk
    home = Home(point / "goroots")
    with home.locked("install"):
        for version in (OLD, NEW):
            go = home.tree(version) / "bin/go"
            go.parent.mkdir(parents=True)
            go.write_text(f"#!/bin/sh\necho {version}\n")
            go.chmod(0o755)
    os.sync()
    chooser = random.Random(6)
    for _ in range(12):
        switch.use(home, OLD)  # this one returned: it has to survive
        child = os.fork()
        if child == 0:
            try:
                switch.use(home, NEW)
                time.sleep(60)
            finally:
                os._exit(1)
        time.sleep(chooser.uniform(0, 0.012))
        _lose_power(point)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        subprocess.run(["umount", point], check=True)
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        found = subprocess.run(
            [home.current / "bin/go"], capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() in {OLD, NEW}
        now = home.now()
        assert now is not None
        assert now.version == found.stdout.strip()


@root_only
def test_a_choice_that_was_reported_survives_a_loss_of_power(disk: tuple[Path, Path]) -> None:
    image, point = disk
    home = Home(point / "goroots")
    with home.locked("install"):
        for version in (OLD, NEW):
            (home.tree(version) / "bin").mkdir(parents=True)
    os.sync()
    for version in (OLD, NEW, OLD, NEW):
        switch.use(home, version)
        _lose_power(point)
        subprocess.run(["umount", point], check=True)
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        now = home.now()
        assert now is not None
        assert now.version == version


def _lose_power(point: Path) -> None:
    fd = os.open(point, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, NOLOGFLUSH)
    finally:
        os.close(fd)
