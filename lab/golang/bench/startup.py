"""How long a go command takes to start, with GOROOT on the disk and in read-only memory."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

from lab.golang.bench import programs, sandbox, trees
from lab.golang.bench.journal import Found, Take, anew
from lab.golang.bench.outcome import Outcome
from lab.golang.bench.rounds import rounds as in_turn
from lab.golang.bench.sandbox import Say
from lab.host.process import run

COMMANDS = {"version": ("version",), "list std": ("list", "std")}


def measure(goroot: Path, *, rounds: int = 10, take: Take = anew, say: Say) -> Outcome:
    """Wall time of `go version` and `go list std`: "<place>/<command>/<cold or warm>".

    "tmpfs" is a copy in memory, mounted read-only. Warm means: the same command ran just before.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    cannot = sandbox.keeps_caches()
    missing = {"cold": cannot} if cannot else {}
    with sandbox.opened(say) as box:
        places = {"disk": trees.plant(box, "disk", goroot)}
        if why := trees.lacks("tmpfs"):
            missing["tmpfs"] = why
        else:
            places["tmpfs"] = box.bind("ro", trees.plant(box, "tmpfs", goroot), read_only=True)
        chooser = random.Random(programs.SEED)
        for number in in_turn(rounds, say):
            for place in chooser.sample(sorted(places), len(places)):
                each = partial(_round, place, places[place], cold=not cannot)
                for name, took in take(f"{number + 1}/{place}", each).items():
                    samples[name] += took
    return Outcome(
        experiment="startup",
        settings={"go": goroot.name, "rounds": rounds, "seed": programs.SEED},
        series=programs.joined(dict(sorted(samples.items()))),
        missing=missing,
    )


def _round(place: str, goroot: Path, *, cold: bool) -> Found:
    found: dict[str, list[float]] = {}
    for name, words in COMMANDS.items():
        go: list[str | Path] = [goroot / "bin/go", *words]
        if cold:
            sandbox.drop_caches()
        first = _timed(go)
        if cold:
            found[f"{place}/{name}/cold"] = [first]
        found[f"{place}/{name}/warm"] = [_timed(go)]
    return found


def _timed(command: list[str | Path]) -> float:
    environment = programs.OFFLINE | {"GOCACHE": str(programs.shared_cache())}
    begun = time.perf_counter()
    run(command, environment=environment)
    return time.perf_counter() - begun
