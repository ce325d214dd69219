"""What each engine's cache makes of each kind of edit, by random values: the matrix.

Run: ``python -m benchmarks.cache_matrix [--unknown] [ENGINE...]``; it writes
lab/caching/matrix/measured.json and docs/cache-matrix.md. Without engines all of ENGINES; with
--unknown only the kinds that an engine was not asked about yet.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import cache_matrix_page
from benchmarks.loopback import loopback
from benchmarks.matrix_builds import Bench, Failed, measure, say, started
from lab.caching.matrix import Cell, Kind, Matrix, kinds, measured
from lab.caching.matrix.kinds import MEASURED

ENGINES = (
    *("docker@20.10", "docker@26", "docker@28", "docker@28/containerd"),
    *("docker-classic@20.10", "docker-classic@28", "podman@4.3", "podman@5.4", "podman@5.8"),
)
TIMES = 2
ROOT = Path(__file__).parents[1]


def both(bench: Bench, some: Sequence[Kind]) -> dict[str, Cell]:
    """What was seen every time. Raises Failed where two times differ."""
    seen = [measure(bench, some) for _ in range(TIMES)]
    for one in seen[1:]:
        if one.cells != seen[0].cells:
            other = [title for title, cell in one.cells.items() if cell != seen[0].cells[title]]
            raise Failed(f"{bench.engine.name}: two times differ in {', '.join(other)}")
    for line in seen[0].wrong:
        say(f"  the rules foretell otherwise: {line}")
    return seen[0].cells


def refusals(bench: Bench, some: Sequence[Kind], cells: Mapping[str, Cell]) -> list[str]:
    """Kinds that are taken for refused, and that the engine builds after all."""
    found = []
    for kind in some:
        if cells[kind.title] == "refused" and not kind.session:
            outcomes = [
                bench.build(bench.project([kind], f"x{secrets.token_hex(3)}", edited))[0]
                for edited in (False, True)
            ]
            if all(one.status == "ok" for one in outcomes):
                found.append(kind.title)
    return found


def write(matrix: Matrix) -> None:
    """Keep what was seen, in the package and in the docs."""
    data = {"versions": dict(matrix.versions), "cells": dict(matrix.cells)}
    place = ROOT / "lab/caching/matrix" / MEASURED
    place.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    text = cache_matrix_page.page(matrix, kinds())
    (ROOT / "docs/cache-matrix.md").write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the engines that are named, and keep what was known of the others."""
    parser_ = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.cache_matrix")
    parser_.add_argument("engines", nargs="*", metavar="ENGINE")
    parser_.add_argument("--unknown", action="store_true")
    given = parser_.parse_args(argv)
    named = given.engines or list(ENGINES)
    there = (ROOT / "lab/caching/matrix" / MEASURED).exists()
    known = measured() if there else Matrix(versions={}, cells={})
    versions, cells = dict(known.versions), dict(known.cells)
    with loopback() as server:
        for name in named:
            with started(name, server) as bench:
                earlier = cells.get(name, {})
                some = [
                    kind
                    for kind in kinds()
                    if not given.unknown or earlier.get(kind.title, "unknown") == "unknown"
                ]
                seen = both(bench, some)
                cells[name] = {
                    kind.title: seen.get(kind.title) or earlier[kind.title] for kind in kinds()
                }
                facts = bench.engine.facts()
                versions[name] = facts.version
                for title in refusals(bench, some, seen):
                    say(f"{name} is taken for one that cannot build this, and can: {title}")
            order = [one for one in ENGINES if one in cells]
            write(
                Matrix(
                    versions={one: versions[one] for one in order},
                    cells={one: cells[one] for one in order},
                )
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
