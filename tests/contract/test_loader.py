"""What the lab says of programs without running them, against glibc's own loader.

Every program of trixie is put into an older suite's root, and that suite's ld.so is asked there.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from lab.images.elves import Elves, elves
from lab.images.loader import Loader
from tests.contract.debian import image

PROBE = "lab-probe"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")


def unpacked(suite: str, root: Path) -> Path:
    for layer in image(suite).layers:
        with tarfile.open(layer.path) as tar:
            tar.extractall(root, filter="tar")
    return root


def said_by_ld_so(root: Path, path: str) -> set[str]:
    """The complaints of the root's loader, each in the words `missing ...`."""
    # Through env: the variables are for the loader, not for chroot itself.
    asked = ["/usr/bin/env", "LD_TRACE_LOADED_OBJECTS=1", "LD_WARN=yes", "LD_BIND_NOW=1"]
    done = subprocess.run(
        ["chroot", str(root), *asked, "/lib64/ld-linux-x86-64.so.2", path],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    found = set()
    for line in (done.stdout + done.stderr).splitlines():
        if "version `" in line:
            found.add("version " + line.split("`")[1].split("'")[0])
        elif "=> not found" in line:
            found.add("library " + line.split()[0])
    return found


@pytest.mark.parametrize(
    ("suite", "glibc", "failing", "running"),
    [("bullseye", "2.31", 100, 0), ("bookworm", "2.36", 5, 50)],
)
def test_programs_of_a_newer_suite_fail_where_the_loader_says_so(
    suite: str, glibc: str, failing: int, running: int, tmp_path: Path
) -> None:
    root = unpacked(suite, tmp_path)
    old, new = image(suite).contents, image("trixie").contents
    here, there = elves(old), elves(new)
    for path, file in sorted(there.files.items()):
        if not (path.startswith("usr/bin/") and file.facts.program and file.mode & 0o111):
            continue
        copy = root / PROBE
        copy.write_bytes(new.data(new.nodes[path]))
        copy.chmod(0o755)
        moved = replace(file, path=PROBE)
        both = Elves(files={**here.files, PROBE: moved}, hidden=(), damaged=())
        found = Loader(old, both, glibc=glibc).program(moved)
        ours = set()
        for one in found:
            if one.rule == "missing-version":
                ours.add("version " + one.message.split("`")[1].split("'")[0])
            elif one.rule == "missing-library":
                ours.add("library " + one.message.split()[0])
        theirs = said_by_ld_so(root, f"/{PROBE}")
        assert ours == theirs, path
        failing, running = failing - bool(theirs), running - (not theirs)
    assert failing <= 0, "too few programs failed to have tried anything"
    assert running <= 0, "too few programs ran to have tried anything"


def test_nothing_of_a_base_is_said_to_fail_where_it_belongs() -> None:
    for suite in ("bullseye", "trixie"):
        opened = image(suite)
        found = Loader(opened.contents, elves(opened.contents), glibc=opened.contents.glibc())
        assert found.findings() == ()
