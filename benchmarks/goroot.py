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

from lab import paths, stats
from lab.bench import bay as bays
from lab.bench import build, outcome, switching
from lab.goroot import home as homes
from lab.goroot import switch
from lab.goroot.home import Home

VERSIONS = ("1.22.10", "1.23.9")
WALL = "gocache cold, pages warm/wall"


def switches(count: int) -> None:
    with bays.bay(print) as bay:
        own = Home(bay.folder / "goroots")
        shared = Home(paths.cache_dir() / "goroots")
        with own.locked("install"):
            for version in VERSIONS:
                tree = homes.install(shared, version, say=print)
                bays.fill(tree, own.tree(version))
        for name in ("link", "overlay"):
            place = None
            if name == "overlay":
                place = bay.folder / "usr-local-go"
                place.mkdir()
            with tempfile.TemporaryDirectory(dir=bay.folder) as folder:
                found = switching.under_builds(
                    own, VERSIONS, folder=Path(folder), switches=count, place=place
                )
            print(outcome.text(found))
            if place is not None:
                switch.release(place)
            assert found.facts["failed builds"] == found.facts["mixed builds"] == 0


def truth(rounds: int) -> None:
    goroot = homes.install(Home(paths.cache_dir() / "goroots"), VERSIONS[0], say=print)
    found = build.measure(
        goroot,
        layouts=["disk", "home", "slow:300ms"],
        project=build.Project(packages=3, lines=1200, depth=2),
        rounds=rounds,
        flags=["-p", "1"],
        say=print,
    )
    calls = float(found.facts["slow:300ms: calls of the slowed compiler per round"])
    walls = {name: found.series[f"{name}/{WALL}"].samples for name in found.settings["layouts"]}
    for name, expected in {"home": 0.0, "slow:300ms": calls * 0.3}.items():
        pairs = zip(walls[name], walls["disk"], strict=True)
        short = stats.summary([this - disk for this, disk in pairs])
        assert short is not None
        print(f"{name}: {expected:.2f} s more expected, measured {short}")


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    switches(number or 1000) if what == "switch" else truth(number or 6)
