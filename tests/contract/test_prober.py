"""What the prober reports, against file systems that wait: so long, at that call and no other.

FUSE's, for this kernel has no device mapper, of which dm-delay would be the other way.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.golang.bench import programs
from lab.golang.bench.outcome import Outcome
from lab.golang.claims.file_schema import Expect
from lab.golang.claims.judge import Answer, judge
from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.host.paths import cache_dir

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts: root only"),
]

FILES, DELAY_S = 25, 0.06
CALLS = {"stat": "getattr", "openat": "open", "read": "read", "readdir": "readdir"}


@pytest.fixture(scope="module")
def prober() -> Path:
    home = Home(cache_dir() / "goroots")
    goroot = homes.install(home, "1.22.10", say=lambda _: None)
    return programs.compiled(goroot, "prober", programs.PROBER)


@contextmanager
def mounted(folder: Path, slow: str, seconds: float) -> Iterator[Path]:
    point = folder / "point"
    point.mkdir()
    program = Path(__file__).with_name("delaying_fs.py")
    command = [sys.executable, str(program), str(folder / "source"), str(point), slow]
    with subprocess.Popen([*command, str(seconds), str(folder / "waits")]) as serving:
        deadline = time.monotonic() + 20
        while not point.is_mount():
            assert serving.poll() is None, "the file system ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield point
        finally:
            subprocess.run(["umount", point], check=True)


def lists(folder: Path, point: Path) -> dict[str, Path]:
    """A file with the paths to files, and one with those to folders, in an order of their own."""
    found = {}
    for what, name in {"files": "file.go", "folders": ""}.items():
        paths = [point / f"folder{number}" / name for number in range(FILES)]
        random.Random(3).shuffle(paths)
        found[what] = folder / f"{what}.txt"
        found[what].write_text("".join(f"{path}\n" for path in paths))
    return found


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_that_waits_is_reported_with_its_wait(
    operation: str, prober: Path, tmp_path: Path
) -> None:
    """The oracle is the file system's own sleep; the calls beside it show that nothing else is."""
    for number in range(FILES):
        source = tmp_path / "source" / f"folder{number}"
        source.mkdir(parents=True)
        (source / "file.go").write_text("package x\n")
    with mounted(tmp_path, CALLS[operation], DELAY_S) as point:
        names = lists(tmp_path, point)
        took, waits = {}, {}
        for one in programs.OPERATIONS:
            before = (tmp_path / "waits").stat().st_size
            took[one] = programs.probe(
                prober, one, names["folders" if one == "readdir" else "files"]
            )
            waits[one] = (tmp_path / "waits").stat().st_size - before
    # A stat asks of each part of a path, so it waits more than once; the others wait once.
    assert waits[operation] == FILES or operation == "stat"
    expected = DELAY_S * waits[operation] / FILES
    assert min(took[operation]) >= DELAY_S
    found = Outcome(experiment="fs", settings={}, series=programs.joined(took))
    claim = Expect(part="p", series=operation, value=expected, within=0.15)
    assert judge(claim, found, None).answer is Answer.REPRODUCED, judge(claim, found, None)
    for other in programs.OPERATIONS:
        # A stat that is slow is part of every look-up of a name, so of every call that takes one.
        if operation not in {other, "stat"}:
            assert statistics.median(took[other]) < DELAY_S / 4, other
            without = claim.model_copy(update={"series": other})
            assert judge(without, found, None).answer is Answer.NOT_REPRODUCED
