"""GOROOT's figures: switches under builds, and the truth check of build times.

    python benchmarks/goroot.py switch [SWITCHES]   1,000 under 4 builders, link and overlay
    python benchmarks/goroot.py truth [ROUNDS]      a compiler that waits: is the difference found?

The truth check builds with one action at a time with GOROOT on disk twice, and with a compiler
that waits 300 ms at each call: the walls must differ by calls times 300 ms, and the two equal
GOROOTs by nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lab.golang.bench import build, delay_injection, outcome, sandbox, switching
from lab.golang.goroot import home as homes
from lab.golang.goroot import switch
from lab.golang.goroot.home import Home
from lab.host import paths
from lab.results import stats

VERSIONS = ("1.22.10", "1.23.9")


def switches(count: int) -> None:
    with sandbox.opened(print) as box:
        own = Home(box.folder / "goroots")
        shared = Home(paths.cache_dir() / "goroots")
        with own.locked("install"):
            for version in VERSIONS:
                tree = homes.install(shared, version, say=print)
                sandbox.fill(tree, own.tree(version))
        for name in ("link", "overlay"):
            place = None
            if name == "overlay":
                place = box.folder / "usr-local-go"
                place.mkdir()
            with tempfile.TemporaryDirectory(dir=box.folder) as folder:
                found = switching.under_builds(
                    own, VERSIONS, folder=Path(folder), switches=count, place=place
                )
            print(outcome.text(found))
            if place is not None:
                switch.release(place)
            assert found.facts["failed builds"] == found.facts["mixed builds"] == 0


def check(rounds: int) -> None:
    goroot = homes.install(Home(paths.cache_dir() / "goroots"), VERSIONS[0], say=print)
    found = delay_injection.measure(
        goroot,
        project=build.Project(packages=3, lines=1200, depth=2),
        delay_ms=300,
        rounds=rounds,
        say=print,
    )
    print("| GOROOT | seconds more expected | measured: median | 95 % interval | builds |")
    print("| --- | --- | --- | --- | --- |")
    injected = float(found.facts["injected per build, s"])
    for name, expected in {"equal": 0.0, "delayed": injected}.items():
        short = stats.summary(found.series[f"{name}/more"].samples)
        assert short is not None
        assert short.interval is not None, "six rounds at least"
        low, high = short.interval
        print(
            f"| {name} | {expected:.2f} | {short.median:.2f} | {low:.2f} to {high:.2f} "
            f"| {short.count} |"
        )
    assert all(found.facts[name] for name in delay_injection.HELD)


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    switches(number or 1000) if what == "switch" else check(number or 6)
