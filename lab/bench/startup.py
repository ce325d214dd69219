"""How long a go command takes to start, with GOROOT on the disk and in read-only memory."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from pathlib import Path

from lab.bench import bay as bays
from lab.bench import programs, trees
from lab.bench.bay import Say
from lab.bench.outcome import Outcome
from lab.errors import HostLacks
from lab.process import run


def measure(goroot: Path, *, rounds: int = 10, seed: int = 1, say: Say) -> Outcome:
    """Wall time of `go version` and `go list std`: "<place>/<command>/<cold or warm>".

    "tmpfs" is a copy in memory, mounted read-only. Warm means: the same command ran just before.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    missing: dict[str, str] = {}
    commands = {"version": ("version",), "list std": ("list", "std")}
    with bays.bay(say) as bay:
        places = {"disk": trees.plant(bay, "disk", goroot)}
        if why := trees.lacks("tmpfs"):
            missing["tmpfs"] = why
        else:
            places["tmpfs"] = bay.bind("ro", trees.plant(bay, "tmpfs", goroot), read_only=True)
        chooser = random.Random(seed)
        for _ in range(rounds):
            for place in chooser.sample(sorted(places), len(places)):
                for name, words in commands.items():
                    go: list[str | Path] = [places[place] / "bin/go", *words]
                    try:
                        bays.drop_caches()
                        samples[f"{place}/{name}/cold"].append(_timed(go))
                    except HostLacks as lack:
                        missing[f"{place}/{name}/cold"] = lack.message
                        _timed(go)
                    samples[f"{place}/{name}/warm"].append(_timed(go))
    return Outcome(
        experiment="startup",
        settings={"go": goroot.name, "rounds": rounds, "seed": seed},
        series=programs.joined(dict(sorted(samples.items()))),
        missing=missing,
    )


def _timed(command: list[str | Path]) -> float:
    environment = programs.OFFLINE | {"GOCACHE": str(programs.shared_cache())}
    begun = time.perf_counter()
    run(command, environment=environment)
    return time.perf_counter() - begun
