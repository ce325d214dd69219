"""Making a copy of a GOROOT in memory: by rsync, checked by sums before it takes effect."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab.golang.goroot import sums
from lab.golang.goroot.home import relink
from lab.host.disk import write
from lab.host.process import run
from lab.model.errors import DiskFull, StoreError

INODE = 1024  # bytes of kernel memory for a file in tmpfs, about
PAGE = os.sysconf("SC_PAGE_SIZE")


def size_of(tree: Path) -> int:
    """The bytes of memory that a copy of a tree takes: whole pages, and the kernel's part."""
    total = 0
    for folder, _, files in os.walk(tree):
        total += INODE
        for name in files:
            size = os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 (thousands)
            total += -(-size // PAGE) * PAGE + INODE
    return total


def fill(
    ground: Path, source: Path, wanted: sums.Sums, *, before: int, locked: bool = False
) -> None:
    """Make the tree after ``before``, check it, and only then let ``now`` lead to it."""
    trees = ground / "trees"
    trees.mkdir(exist_ok=True)
    for left in trees.iterdir():  # older ones, and those of a refresh that was killed
        if left.name not in {str(before), f"{before}.sha256"}:
            remove(left)
    tree = trees / str(before + 1)
    difference = None
    # rsync takes a file of the same size and time for unchanged; where sums say otherwise, it
    # compares what is in them.
    for careful in ((), ("--checksum",)):
        _rsync(source, tree, before, locked=locked, more=careful)
        difference = sums.difference(wanted, sums.of(tree))
        if not difference:
            break
    else:
        remove(tree)
        raise StoreError(
            f"the copy of {source} is not equal to it: {difference}",
            remedy="try again when nothing changes it; if nothing does, test the memory",
        )
    write(trees, f"{tree.name}.sha256", os.fsencode(sums.text(wanted)))
    relink(ground / "now", Path("trees") / tree.name)


def _rsync(
    source: Path, tree: Path, before: int, *, locked: bool, more: tuple[str, ...] = ()
) -> None:
    words = ["--archive", "--delete", *more]
    words += [f"--link-dest=../{before}"] if before else []
    words += ["--chmod=a-w"] if locked else []
    # It ends with the lab: a copy that goes on alone would hold memory for nobody.
    command = ["setpriv", "--pdeathsig", "KILL", "rsync", *words, f"{source}/", f"{tree}/"]
    done = run(command, codes=range(256))
    if done.code != 0:
        if "No space left" in done.err:
            raise DiskFull(
                f"{source} does not fit beside the copy that is there",
                remedy="lab goroot unstage, then stage with a greater --size",
            )
        raise StoreError(
            f"rsync did not copy {source}: {done.err.strip()[-300:]}",
            remedy="fix the rsync error and retry",
        )


def sums_of(trees: Path, tree: int) -> sums.Sums:
    path = trees / f"{tree}.sha256"
    return sums.parse(os.fsdecode(path.read_bytes()), path)


def remove(path: Path) -> None:
    """Remove a file or a tree, also one without the right to write."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)
