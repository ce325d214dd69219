"""Every layout is built for real wherever the engine can, and its program runs."""

from __future__ import annotations

import re

import pytest

from lab.dockerfile import generated_project, layouts
from lab.dockerfile.context import Context
from lab.dockerfile.go_sources import DEP
from lab.dockerfile.layouts.parts import BUILD_CACHE
from lab.dockerfile.parser import parse
from lab.engines.protocol import ContainerRequest
from lab.images.sources.base_images import base, with_toolchain
from lab.images.sources.types import Base, BaseSource, ToolchainSource
from lab.model.events import BuildError, Log
from tests.contract import oracle
from tests.contract.conftest import Bench

TAG = "localhost/lab/test:layout"
COMPILED = "localhost/lab/test-compiled"
MOUNTING = {"bind-mount", "cache-mount", "tmpfs"}
CHECKSUM = re.compile(r"checksum [0-9a-f]+")


@pytest.fixture(scope="session")
def toolchain() -> tuple[Base, Base]:
    """A plain base, and the same with Go."""
    plain = base(BaseSource(kind="suite", value="bookworm", name="bookworm"), say=print)
    go = ToolchainSource(kind="go", value="1.22.10", name="1.22.10")
    return plain, with_toolchain(plain, go, say=print)


def test_every_layout_builds_go_that_runs(real_bench: Bench, toolchain: tuple[Base, Base]) -> None:
    """The standard library is compiled by `default` alone, and by those that do not see its cache:
    `cache-mount` hides it, `user-home` has its own. The others' module is of other bytes, so that
    they compile what is theirs.
    """
    for image in toolchain:
        real_bench.engine.ensure(image.image)
    plain, go = (image.image.ref for image in toolchain)
    context = generated_project.generate(packages=2, lines=400, depth=2, seed=3)
    recipe = _built(real_bench, "default", plain, go, context)
    assert recipe is not None
    real_bench.build(recipe.dockerfile, context, tag=f"{COMPILED}:stage", target="build")
    refs = _compiled(real_bench, "plain", plain), _compiled(real_bench, "go", go)
    other = generated_project.generate(packages=2, lines=400, depth=2, seed=4)
    dependency = DEP.replace('Revision = "r0"', 'Revision = "r1"')
    assert dependency != DEP
    other = other.with_file(generated_project.DEPENDENCY_FILE, dependency.encode())
    others = [name for name in layouts.LAYOUTS if name != "default"]
    built = {name for name in others if _built(real_bench, name, *refs, other)}
    expected = set(others) - {"copy-link"}  # Debian 12's engines have no COPY --link
    if real_bench.family == "docker-classic":
        expected -= MOUNTING
    assert built - {"copy-link"} == expected


def _built(bench: Bench, name: str, plain: str, go: str, context: Context) -> layouts.Recipe | None:
    """The layout's recipe, built; its program has run. None where the engine lacks something."""
    values = layouts.Values(base=plain, toolchain=go, cache_id=f"test-{name}")
    recipe = layouts.render(name, values)
    if bench.engine.lacks(parse(recipe.dockerfile)):
        return None
    outcome = bench.build(recipe.dockerfile, context, tag=TAG, marks=recipe.marks)
    assert outcome.status == "ok", (name, outcome.reason, outcome.log_tail)
    if recipe.container is None:
        assert CHECKSUM.search(oracle.read(bench.engine, TAG, "app")), name
        assert set(outcome.marks) == set(recipe.marks), name
    else:
        _holds_in_a_container(bench, recipe)
    return recipe


def _compiled(bench: Bench, name: str, ref: str) -> str:
    """The image of the ref, and in it the standard library as `default` left it compiled."""
    text = (
        f"FROM {COMPILED}:stage AS stage\nFROM {ref}\n"
        f"COPY --from=stage {BUILD_CACHE} {BUILD_CACHE}\n"
    )
    outcome = bench.build(text, tag=f"{COMPILED}:{name}")
    assert outcome.status == "ok", outcome.reason
    return f"{COMPILED}:{name}"


def _holds_in_a_container(bench: Bench, recipe: layouts.Recipe) -> None:
    assert recipe.container is not None
    request = ContainerRequest(
        image=TAG, command=recipe.container.command, tmpfs=recipe.container.tmpfs
    )
    told = list(bench.engine.run(request))
    printed = b"".join(event.data for event in told if isinstance(event, Log)).decode()
    assert not [event for event in told if isinstance(event, BuildError)], printed
    assert all(f"::lab-mark {mark} " in printed for mark in recipe.marks), printed
