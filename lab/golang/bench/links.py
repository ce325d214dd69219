"""Ways to one and the same file: system calls for an open, counted, and its time, measured."""

from __future__ import annotations

import random
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lab.golang.bench import programs, sandbox
from lab.golang.bench.journal import Found, Take, anew
from lab.golang.bench.outcome import Outcome, Series
from lab.golang.bench.sandbox import Sandbox, Say
from lab.golang.trace import strace
from lab.host.process import found, run
from lab.model.errors import MissingPrerequisite

_DEPTHS = {"symlink 1": 1, "symlink 2": 2, "symlink 5": 5}


def measure(
    goroot: Path,
    *,
    rounds: int = 6,
    files: int = 1000,
    listing: bool = True,
    take: Take = anew,
    say: Say,
) -> Outcome:
    """Opens through a plain path, links, a hard link, a bind mount and an overlay.

    "<way>/calls" counts what one open takes; "<way>/openat by round" are medians of its time, with
    the caches warm; "<way>/go list calls" counts file calls of `go list std` with GOROOT there.
    """
    prober = programs.compiled(goroot, "prober", programs.PROBER)
    samples: dict[str, list[float]] = defaultdict(list)
    missing: dict[str, str] = {}
    counts: dict[str, Series] = {}
    with sandbox.opened(say) as box:
        ways = _ways(box, goroot, missing)
        lists = _lists(box, goroot, ways, files)
        chooser = random.Random(programs.SEED)
        for number in range(rounds):
            for way in chooser.sample(sorted(ways), len(ways)):
                each = partial(_round, prober, way, lists[way])
                for name, took in take(f"{number + 1}/{way}", each).items():
                    samples[name] += took
        if found("strace") is None:
            missing["calls"] = "there is no strace: apt-get install strace"
        else:
            for way, tree in ways.items():
                say(f"counting calls through: {way}")
                counts |= _counted(box, prober, way, lists[way])
                if listing:
                    counts[f"{way}/go list calls"] = _listing(box, tree)
    return Outcome(
        experiment="links",
        settings={"go": goroot.name, "rounds": rounds, "files": files, "seed": programs.SEED},
        series=programs.joined(dict(sorted(samples.items()))) | counts,
        missing=missing,
    )


def _round(prober: Path, way: str, names: Path) -> Found:
    took = programs.probe(prober, "openat", names)
    return {f"{way}/openat": took, f"{way}/openat by round": [statistics.median(took)]}


def calls_between_marks(trace: str) -> tuple[str, ...]:
    """The names of the calls that strace shows between the prober's two calls of getppid."""
    names = re.findall(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\(", trace, re.MULTILINE)
    marks = [place for place, name in enumerate(names) if name == "getppid"]
    return tuple(names[marks[0] + 1 : marks[1]]) if len(marks) == 2 else ()


def _ways(box: Sandbox, goroot: Path, missing: dict[str, str]) -> Mapping[str, Path]:
    """GOROOTs that lead to the same files."""
    plain = sandbox.fill(goroot, box.folder / "plain")
    ways = {"plain": plain}
    for way, depth in _DEPTHS.items():
        target = plain
        for number in range(depth):
            link = box.folder / f"{way.replace(' ', '')}-{number}"
            link.symlink_to(target)
            target = link
        ways[way] = target
    hard = box.folder / "hard"
    run(["cp", "--archive", "--link", plain, hard])
    ways["hard link"] = hard
    for way, kind in {"bind mount": None, "overlay": "overlay"}.items():
        try:
            if kind and (why := sandbox.lacks(kind)):
                missing[way] = why
                continue
            ways[way] = box.overlay("over", plain) if kind else box.bind("bind", plain)
        except MissingPrerequisite as lack:
            missing[way] = lack.message
    return ways


def _lists(box: Sandbox, goroot: Path, ways: Mapping[str, Path], files: int) -> Mapping[str, Path]:
    sources = sorted(path.relative_to(goroot) for path in (goroot / "src").rglob("*.go"))
    chosen = random.Random(f"paths {programs.SEED}").sample(sources, min(files, len(sources)))
    lists = {}
    for way, tree in ways.items():
        lists[way] = box.folder / f"list-{way.replace(' ', '')}"
        lists[way].write_text("".join(f"{tree / name}\n" for name in chosen))
    return lists


def _counted(box: Sandbox, prober: Path, way: str, names: Path) -> dict[str, Series]:
    log = box.folder / "strace.log"
    counts = []
    for path in names.read_text().splitlines()[:10]:
        run(["strace", "-o", log, prober, "mark", path])
        counts.append(float(len(calls_between_marks(log.read_text()))))
    return {f"{way}/calls": Series(samples=tuple(counts), unit="count")}


def _listing(box: Sandbox, tree: Path) -> Series:
    """How many calls on files `go list std` makes with GOROOT there."""
    _, calls = strace.traced(
        [tree / "bin/go", "list", "std"],
        box.folder / "strace.log",
        environment=programs.OFFLINE
        | {"GOROOT": str(tree), "GOCACHE": str(programs.shared_cache())},
        folder=box.folder,
    )
    return Series(samples=(float(len(calls)),), unit="count")
