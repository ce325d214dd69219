"""The matrix of cache rules is what the engines do: each kind of edit, built, edited, built again.

The rules of the lab are held to the same builds, step by step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks.cache_matrix import ENGINES
from benchmarks.loopback import Loopback, loopback
from benchmarks.matrix_builds import Bench, measure, prepare
from lab.caching.matrix import Kind, kinds, measured
from lab.images.sources.types import Base
from lab.model import engine_name
from tests.contract import conftest


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as server:
        yield server


def unlike(kind: Kind) -> bool:
    """Whether some engine makes another thing of it than others."""
    return len({of[kind.title] for of in measured().cells.values()} - {"refused", "unknown"}) > 1


@pytest.mark.timeout(1800)  # two builds of 150 stages, one after the other on podman
def test_the_matrix_is_what_the_engine_does(
    real_bench: conftest.Bench, bookworm_base: Base, served: Loopback
) -> None:
    engine = real_bench.engine
    prepare(engine, bookworm_base.image.ref)
    facts = engine.facts()
    known = measured()
    family = engine_name.family(engine.name)
    store = "containerd" if "containerd" in facts.storage else "graph"
    # Where all engines agree, `make test-engines` alone asks them: on Podman it takes minutes.
    every = bool(os.environ.get("LAB_TEST_ENGINES"))
    some = [kind for kind in kinds() if not kind.session and (every or unlike(kind))]
    columns = [
        name
        for name in ENGINES
        if engine_name.family(name) == family
        and engine_name.matches(engine_name.version_in(name), facts.version)
        and (engine_name.parse(name).store or "graph") == store
    ]
    assert columns, f"no column of the matrix is of {engine.name} {facts.version}"
    seen = measure(Bench(engine=engine, server=served), some)
    there = known.cells[columns[0]]
    differs = {
        title: (there[title], cell)
        for title, cell in seen.cells.items()
        if there[title] not in {cell, "unknown"}
    }
    assert not differs, f"kind: (in the matrix, seen): {differs}"
    assert not seen.wrong, "\n".join(seen.wrong)
