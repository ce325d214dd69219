"""File systems filled with the same GOROOT: how long stat, openat, read and readdir take on it."""

from __future__ import annotations

import json
import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from lab.golang.bench import programs, sandbox
from lab.golang.bench.journal import Found, Take, anew
from lab.golang.bench.outcome import Fact, Outcome
from lab.golang.bench.rounds import rounds as in_turn
from lab.golang.bench.sandbox import Sandbox, Say
from lab.host.process import found, run
from lab.model.errors import InputError

KINDS = ("here", "tmpfs", "ext4", "xfs", "btrfs", "overlay", "squashfs", "erofs")
_FIO_S = 2


@dataclass(frozen=True, slots=True)
class Disk:
    """Mount options of a file system, and the block device to make it on; "" is a loop device."""

    options: str = ""
    device: str = ""


def measure(
    goroot: Path,
    *,
    kinds: Sequence[str] = KINDS,
    rounds: int = 5,
    files: int = 2000,
    disks: Mapping[str, Disk] = MappingProxyType({}),
    fio: bool = True,
    take: Take = anew,
    say: Say,
) -> Outcome:
    """Latencies by file system, operation and state of the kernel's caches.

    "here" is the file system of the lab's own cache. Every round measures every file system once,
    in an order of its own. Calls of one round are not independent of one another: the series
    "... by round" hold the rounds' medians, and it is those that may be compared.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise InputError(f"no such file system: {unknown[0]}", remedy=f"one of {', '.join(KINDS)}")
    prober = programs.compiled(goroot, "prober", programs.PROBER)
    samples: dict[str, list[float]] = defaultdict(list)
    facts: dict[str, Fact] = {}
    missing: dict[str, str] = {"cold": why} if (why := sandbox.keeps_caches()) else {}
    with sandbox.opened(say) as box:
        trees = {}
        for kind in kinds:
            if kind != "here" and (lack := sandbox.lacks(kind)):
                missing[kind] = lack
                continue
            say(f"filling {kind} with {goroot.name}")
            trees[kind] = _tree(box, kind, goroot, disks.get(kind, Disk()))
        lists = {kind: _lists(box, kind, tree, files) for kind, tree in trees.items()}
        chooser = random.Random(programs.SEED)
        for number in in_turn(rounds, say):
            for kind in chooser.sample(sorted(trees), len(trees)):
                each = partial(_round, prober, kind, lists[kind], cold="cold" not in missing)
                for name, took in take(f"{number + 1}/{kind}", each).items():
                    samples[name] += took
        if fio:
            facts |= _fio(trees, missing)
    return Outcome(
        experiment="fs",
        settings={"kinds": list(kinds), "rounds": rounds, "files": files, "seed": programs.SEED}
        | {"go": goroot.name, "disks": {kind: asdict(one) for kind, one in disks.items()}},
        series=programs.joined(dict(sorted(samples.items()))),
        facts=facts,
        missing=missing,
    )


def _tree(box: Sandbox, kind: str, goroot: Path, disk: Disk) -> Path:
    if kind in sandbox.IMAGES:
        return box.image(kind, kind, goroot)
    if kind == "overlay":
        return box.overlay(kind, goroot)
    if kind == "here":
        return goroot
    point = (
        box.tmpfs(kind)
        if kind == "tmpfs"
        else box.disk(kind, kind, options=disk.options, device=disk.device)
    )
    return sandbox.fill(goroot, point / "go")


def _lists(box: Sandbox, kind: str, tree: Path, files: int) -> Mapping[str, Path]:
    """Files with the paths to probe: the same ones in every file system, in one random order."""
    chooser = random.Random(f"paths {programs.SEED}")
    folders = sorted(path for path in (tree / "src").rglob("*") if path.is_dir())
    sources = sorted((tree / "src").rglob("*.go"))
    lists = {}
    for what, paths in {"files": sources, "folders": folders}.items():
        lists[what] = box.folder / f"{kind}.{what}"
        chosen = chooser.sample(paths, min(files, len(paths)))
        lists[what].write_text("".join(f"{path}\n" for path in chosen))
    return lists


def _round(
    prober: Path,
    kind: str,
    lists: Mapping[str, Path],
    *,
    cold: bool,
) -> Found:
    samples: dict[str, list[float]] = {}
    for operation in programs.OPERATIONS:
        names = lists["folders" if operation == "readdir" else "files"]
        if cold:
            sandbox.drop_caches()
        first = programs.probe(prober, operation, names)
        took = {"cold": first} if cold else {}
        took["warm"] = programs.probe(prober, operation, names)
        for state, each in took.items():
            samples[f"{kind}/{operation}/{state}"] = list(each)
            samples[f"{kind}/{operation}/{state} by round"] = [statistics.median(each)]
    return samples


def _fio(trees: Mapping[str, Path], missing: dict[str, str]) -> dict[str, Fact]:
    """fio's own figures for stat, of its own files: the filestat engine (fio(1)), in memory."""
    if found("fio") is None:
        missing["fio"] = "there is no fio: apt-get install fio"
        return {}
    facts: dict[str, Fact] = {}
    for kind, tree in trees.items():
        if kind in sandbox.IMAGES or kind == "here":
            continue  # fio makes the files that it reads
        folder = tree / ".fio"
        with suppress(FileExistsError):
            folder.mkdir()
        command = ["fio", "--name=stat", f"--directory={folder}", "--ioengine=filestat"]
        command += ["--filesize=4k", "--nrfiles=500", "--openfiles=500", "--output-format=json"]
        said = run([*command, f"--runtime={_FIO_S}"], folder=tree.parent).out
        job = json.loads(said[said.index("{") :])["jobs"][0]["read"]
        facts[f"{kind}/fio filestat mean ns ({job['total_ios']} calls)"] = round(
            job["clat_ns"]["mean"]
        )
    return facts
