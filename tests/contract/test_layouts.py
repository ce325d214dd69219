"""Every layout is built for real wherever the engine can, and its program runs."""

from __future__ import annotations

import re

import pytest

from lab.dockerfile import generated_project, layouts
from lab.dockerfile.parser import parse
from lab.engines.protocol import ContainerRequest
from lab.images.sources.base_images import base, with_toolchain
from lab.images.sources.types import Base, BaseSource, ToolchainSource
from lab.model.events import BuildError, Log
from tests.contract import oracle
from tests.contract.conftest import Bench

TAG = "localhost/lab/test:layout"
MOUNTING = {"bind-mount", "cache-mount", "tmpfs"}
CHECKSUM = re.compile(r"checksum [0-9a-f]+")


@pytest.fixture(scope="session")
def toolchain() -> tuple[Base, Base]:
    """A plain base, and the same with Go."""
    plain = base(BaseSource(kind="suite", value="bookworm", name="bookworm"), say=print)
    go = ToolchainSource(kind="go", value="1.22.10", name="1.22.10")
    return plain, with_toolchain(plain, go, say=print)


def test_every_layout_builds_go_that_runs(real_bench: Bench, toolchain: tuple[Base, Base]) -> None:
    engine = real_bench.engine
    for image in toolchain:
        engine.ensure(image.image)
    context = generated_project.generate(packages=2, lines=400, depth=2, seed=3)
    built = set()
    for name in layouts.LAYOUTS:
        values = layouts.Values(
            base=toolchain[0].image.ref, toolchain=toolchain[1].image.ref, cache_id=f"test-{name}"
        )
        recipe = layouts.render(name, values)
        if engine.lacks(parse(recipe.dockerfile)):
            continue
        outcome = real_bench.build(recipe.dockerfile, context, tag=TAG, marks=recipe.marks)
        assert outcome.status == "ok", (name, outcome.reason, outcome.log_tail)
        if recipe.container is None:
            assert CHECKSUM.search(oracle.read(engine, TAG, "app")), name
            assert set(outcome.marks) == set(recipe.marks), name
        else:
            _holds_in_a_container(real_bench, recipe)
        built.add(name)
    expected = set(layouts.LAYOUTS) - {"copy-link"}  # Debian 12's engines have no COPY --link
    if real_bench.family == "docker-classic":
        expected -= MOUNTING
    assert built - {"copy-link"} == expected


def _holds_in_a_container(bench: Bench, recipe: layouts.Recipe) -> None:
    assert recipe.container is not None
    request = ContainerRequest(
        image=TAG, command=recipe.container.command, tmpfs=recipe.container.tmpfs
    )
    told = list(bench.engine.run(request))
    printed = b"".join(event.data for event in told if isinstance(event, Log)).decode()
    assert not [event for event in told if isinstance(event, BuildError)], printed
    assert all(f"::lab-mark {mark} " in printed for mark in recipe.marks), printed
