"""The experiments' own Go programs, compiled once with the lab's own toolchain."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.golang.bench.outcome import Series
from lab.host import paths
from lab.host.disk import disk
from lab.host.process import run

HERE = Path(__file__).parent
SEED = 1  # of the order in each round, and of what is chosen
# Off the network, and deaf to what the user's own settings say of builds.
OFFLINE = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off", "GOWORK": "off"}
PROBER = ("prober.go", "prober_amd64.go", "prober_arm64.go")
OPERATIONS = ("stat", "openat", "read", "readdir")


def compiled(goroot: Path, name: str, sources: Sequence[str]) -> Path:
    """A program of the lab's own, from the cache or compiled by this GOROOT."""
    texts = {source: (HERE / source).read_bytes() for source in sources}
    key = hashlib.sha256(repr((goroot.name, sorted(texts.items()))).encode()).hexdigest()[:16]
    place = paths.cache_dir() / "programs" / f"{name}-{key}"
    if place.exists():
        return place
    folder = place.with_name(f".{place.name}.{os.getpid()}")
    with disk(folder, "set LAB_CACHE"):
        folder.mkdir(parents=True, exist_ok=True)
        for source, data in texts.items():
            (folder / source).write_bytes(data)
        (folder / "go.mod").write_text("module lab.example/program\n\ngo 1.21\n")
        run(
            [goroot / "bin/go", "build", "-trimpath", "-o", "program", "."],
            folder=folder,
            environment=OFFLINE | {"CGO_ENABLED": "0", "GOCACHE": str(shared_cache())},
        )
        (folder / "program").rename(place)
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    return place


def shared_cache() -> Path:
    """A build cache for the lab's own programs, never for what is measured."""
    return paths.cache_dir() / "gocache"


def probe(prober: Path, operation: str, names: Path) -> tuple[float, ...]:
    """Seconds of each call on the paths in a file, without the clock's own cost."""
    lines = run([prober, operation, names]).out.split()
    clock, *took = (int(line) for line in lines)
    return tuple(max(each - clock, 0) / 1e9 for each in took)


def joined(found: Mapping[str, Sequence[float]]) -> dict[str, Series]:
    """Samples by name as series of seconds."""
    return {name: Series(samples=tuple(samples)) for name, samples in found.items()}
