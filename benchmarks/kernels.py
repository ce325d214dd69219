"""How long kernels take: a bare boot, one cell, and the whole matrix. Run it on a quiet machine.

    python benchmarks/kernels.py [--rounds 5]

Held to: a cell of one kernel and one image takes at most 6 s and at most 2.0 x the bare boot of
that kernel (medians of interleaved rounds); four kernels x four suites x Docker and Podman, caches
filled, at most 2 minutes. What is timed here is the lab's waiting: inside of an emulated guest no
time means anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from lab.engines import open_engine
from lab.images.sources.base_images import base
from lab.images.sources.types import Base, BaseSource
from lab.validate import kernels, probes
from lab.validate.kernels import Confinement, roots

KERNELS = ("5.10", "6.1", "6.12", "7.2")
SUITES = ("bullseye", "bookworm", "trixie", "sid")
ENGINES = ("docker", "podman")


def main() -> int:
    """Print the table; the exit code is 1 where a bound does not hold."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    bases = [base(BaseSource(kind="suite", value=one, name=one), say=print) for one in SUITES]
    packed = {one.name: roots.of_base(one, say=print) for one in bases}
    found = {name: kernels.resolve(name, say=print) for name in KERNELS}
    held = [cell(kernel, packed["bookworm"], rounds) for kernel in found.values()]
    start = perf_counter()
    count = matrix(bases)
    took = perf_counter() - start
    print(f"{count} cells of {len(KERNELS)} kernels x {len(SUITES)} suites x engines: {took:.1f} s")
    held.append(took <= 120 and count == len(KERNELS) * len(SUITES) * (1 + len(ENGINES)))
    print("emulated" if not kernels.has_kvm() else "KVM", "- all bounds hold:", all(held))
    return 0 if all(held) else 1


def cell(kernel: kernels.Kernel, root: Path, rounds: int) -> bool:
    """One kernel: bare boots and boots with one image, in turns."""
    bare, whole = [], []
    for _ in range(rounds):
        bare.append(kernels.boot(kernel).seconds)
        start = perf_counter()
        kernels.boot(kernel, {"image": root}, programs=probes.of_libc())
        whole.append(perf_counter() - start)
    one, other = statistics.median(bare), statistics.median(whole)
    print(
        f"{kernel.name:>5}: bare {one:.2f} s ({min(bare):.2f}-{max(bare):.2f}), "
        f"cell {other:.2f} s ({min(whole):.2f}-{max(whole):.2f}), ratio {other / one:.2f}, "
        f"{rounds} rounds"
    )
    return other <= 6 and other <= 2 * one


def matrix(bases: list[Base]) -> int:
    """Every kernel with every suite, bare and as each engine confines containers: cells asked."""
    confinements = []
    for name in ENGINES:
        engine = open_engine(name, private=True)
        try:
            engine.ensure(bases[0].image)
            one = probes.in_container(engine, bases[0].image.ref).confined
        finally:
            engine.close()
        if one.filter is None or one.capabilities is None:
            sys.exit(f"{name}: {one.why}")
        confinements.append(
            Confinement(name=name, capabilities=one.capabilities, filter=one.filter)
        )
    packed = {one.name: roots.of_base(one, say=print) for one in bases}

    def asked(name: str) -> int:
        booted = kernels.boot(
            kernels.resolve(name),
            packed,
            programs=probes.of_libc(),
            confinements=confinements,
            timeout_s=300,
        )
        return len(booted.results)

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(asked, KERNELS))


if __name__ == "__main__":
    sys.exit(main())
