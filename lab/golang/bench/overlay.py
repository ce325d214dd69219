"""Switching GOROOT by an overlay at a fixed place: the published recipe, and the lab's own way.

The recipe mounts one overlay and, to go back, unmounts it, changes a link and mounts again. While
either way switches, a looker opens the place's VERSION again and again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from lab.golang.bench import sandbox
from lab.golang.bench.outcome import Fact, Outcome, Series
from lab.golang.bench.sandbox import Sandbox, Say
from lab.golang.goroot import mounting
from lab.host.process import run


def measure(one: Path, other: Path, *, rounds: int = 30, say: Say) -> Outcome:
    """ "<way>/switch" lasts so long; the facts say how often a look found no GOROOT meanwhile."""
    if why := mounting.possible():
        missing = {"recipe": why, "swap": why}
        return Outcome(experiment="overlay", settings={}, missing=missing)
    series: dict[str, Series] = {}
    facts: dict[str, Fact] = {}
    with sandbox.opened(say) as box:
        for way, switch in {"recipe": _recipe(box), "swap": _swap(box)}.items():
            say(f"switching by {way}")
            switch(one)
            looker = _Looker(box.folder / way)
            looker.start()
            took = []
            for turn in range(rounds):
                begun = time.perf_counter()
                switch((other, one)[turn % 2])
                took.append(time.perf_counter() - begun)
                time.sleep(0.005)
            looker.stop()
            series[f"{way}/switch"] = Series(samples=tuple(took))
            facts[f"{way}/looks without a GOROOT"] = looker.failed
            facts[f"{way}/looks"] = looker.looks
            facts[f"{way}/always a GOROOT there"] = looker.failed == 0
            series[f"{way}/bytes copied"] = Series(samples=(_copied(box, way),), unit="bytes")
    return Outcome(
        experiment="overlay",
        settings={"one": one.name, "other": other.name, "rounds": rounds},
        series=series,
        facts=facts,
    )


def _recipe(box: Sandbox) -> Callable[[Path], None]:
    """Unmount, mount again with the other lower folder: two programs, one after the other."""
    place = box.folder / "recipe"
    place.mkdir()
    for name in ("recipe.upper", "recipe.work"):
        (box.folder / name).mkdir()

    def switch(tree: Path) -> None:
        if place.is_mount():
            run(["umount", "--lazy", place])
        upper, work = box.folder / "recipe.upper", box.folder / "recipe.work"
        options = f"lowerdir={tree},upperdir={upper},workdir={work}"
        run(["mount", "-t", "overlay", "overlay", "-o", options, place])

    return switch


def _swap(box: Sandbox) -> Callable[[Path], None]:
    place, empty = box.folder / "swap", box.folder / "empty"
    place.mkdir()
    empty.mkdir()
    return lambda tree: mounting.swap(place, tree, empty)


def _copied(box: Sandbox, way: str) -> float:
    upper = box.folder / f"{way}.upper"
    files = [path for path in upper.rglob("*") if path.is_file()] if upper.is_dir() else []
    return float(sum(path.stat().st_size for path in files))


class _Looker(threading.Thread):
    """Opens the place's VERSION as fast as it can."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.looks = self.failed = 0
        self._path, self._done = place / "VERSION", threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            self.looks += 1
            try:
                self._path.read_bytes()
            except OSError:
                self.failed += 1

    def stop(self) -> None:
        self._done.set()
        self.join()
