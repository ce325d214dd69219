"""A base upgrade read out of real suites, against binutils, dpkg and what glibc's NEWS says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lab.images import elf
from lab.images.elf.calls import name_of
from lab.images.elves import elves
from lab.validate.changes import Upgrade
from lab.validate.upgrade import upgrade
from tests.contract.debian import SUITES, image

LIBC = "libc.so.6"


def library(suite: str, soname: str, folder: Path) -> Path:
    held = image(suite).contents
    for path, file in elves(held).files.items():
        if file.facts.soname == soname:
            copy = folder / f"{suite}-{soname}"
            copy.write_bytes(held.data(held.nodes[path]))
            return copy
    raise AssertionError(f"{suite} has no {soname}")


def said(*command: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C"},
    )
    return done.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_symbols_are_those_that_readelf_lists(suite: str, tmp_path: Path) -> None:
    for soname in (LIBC, "libm.so.6", "libz.so.1", "libpam.so.0"):
        file = library(suite, soname, tmp_path)
        with file.open("rb") as stream:
            ours = {one.words for one in elf.given(stream) or ()}
        theirs = set()
        for line in said("readelf", "-W", "--dyn-syms", file).splitlines():
            fields = line.split()
            if len(fields) < 8 or not fields[0].endswith(":") or fields[0] == "Num:":
                continue
            kind, bind, section, name = fields[3], fields[4], fields[6], fields[7]
            if bind != "LOCAL" and section != "UND":
                plain, _, version = name.replace("@@", "@").partition("@")
                if not (section == "ABS" and kind == "OBJECT" and version in {"", plain}):
                    theirs.add(f"{plain}@{version}" if version else plain)
        assert len(theirs) > 40
        assert ours == theirs, soname


@pytest.mark.parametrize("suite", SUITES)
def test_calls_hold_all_that_a_disassembler_shows_in_plain_sight(
    suite: str, tmp_path: Path
) -> None:
    """objdump's `mov $N,%eax` right before `syscall`: what nobody could read otherwise."""
    file = library(suite, LIBC, tmp_path)
    with file.open("rb") as stream:
        found = elf.calls(stream)
    assert found is not None
    text = said("objdump", "-d", "--no-show-raw-insn", file)
    plain = re.findall(r"mov +\$0x([0-9a-f]+),%eax\n +[0-9a-f]+:\t(?:syscall)", text)
    names = {name_of(int(number, 16)) for number in plain}
    assert len(names) > 100
    assert names <= found.functions.keys()
    assert found.unread < 60


def changes(found: Upgrade, section: str) -> dict[str, tuple[str | None, str | None]]:
    (one,) = (one for one in found.sections if one.name == section)
    return {each.name: (each.before, each.after) for each in one.changes}


def installed(suite: str, folder: Path) -> set[str]:
    place = folder / suite
    place.mkdir()
    (place / "status").write_bytes(image(suite).contents.read("var/lib/dpkg/status") or b"")
    listed = said("dpkg-query", f"--admindir={place}", "-W", "-f", "${Package} ${Version}\n")
    return set(listed.splitlines())


# New system calls of the C library: https://sourceware.org/git/?p=glibc.git;a=blob;f=NEWS and,
# for those inside it, the sources of that release.
@pytest.mark.parametrize(
    ("old", "new", "calls", "versions"),
    [
        # 2.34 starts threads with clone3 and has close_range and epoll_pwait2 (2.35), rseq (2.35),
        # faccessat2 (2.33); 2.36 the pidfd and mount calls. GLIBC_2.31 came with libpthread, which
        # 2.34 took in.
        (
            "bullseye",
            "bookworm",
            {"clone3", "close_range", "epoll_pwait2", "rseq", "faccessat2", "pidfd_open"},
            {"GLIBC_2.31", "GLIBC_2.32", "GLIBC_2.33", "GLIBC_2.34", "GLIBC_2.35", "GLIBC_2.36"},
        ),
        # 2.39: fchmodat2 and shadow stacks; 2.41: sched_setattr and sched_getattr.
        (
            "bookworm",
            "trixie",
            {"fchmodat2", "map_shadow_stack", "sched_setattr", "sched_getattr"},
            {"GLIBC_2.38", "GLIBC_2.39", "GLIBC_2.41"},
        ),
    ],
)
def test_an_upgrade_between_suites(
    old: str, new: str, calls: set[str], versions: set[str], tmp_path: Path
) -> None:
    found = upgrade(image(old), image(new))
    told = changes(found, "system calls")
    if new == "trixie":
        assert told.keys() == calls
    else:
        assert calls <= told.keys()
    assert {name for name in changes(found, "symbols") if name.startswith("GLIBC_")} == versions
    before, after = installed(old, tmp_path), installed(new, tmp_path)
    packages = changes(found, "packages")
    assert {f"{name} {was}" for name, (was, _) in packages.items() if was} == before - after
    assert {f"{name} {now}" for name, (_, now) in packages.items() if now} == after - before
    (layers,) = (one for one in found.sections if one.name == "layers")
    assert layers.headline.startswith("0 of 1 layers stay; every step after FROM is made again")
