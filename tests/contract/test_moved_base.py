"""The edit "base": after its base moved, a builder takes nothing from the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.engines import open_engine
from lab.engines.endpoint import ask
from lab.engines.private import start_docker, start_podman
from lab.engines.protocol import ImageArchive
from lab.engines.roots import programs
from lab.images.sources.types import Base
from lab.model.engine_name import parse
from lab.model.events import Outcome
from lab.runner.recorder import BuildOutcome
from tests.contract.conftest import Bench

WORKING = "localhost/lab/test-base:moving"
TEXT = (
    f"FROM {WORKING} AS a\nENV SETTING=1\nRUN echo one\nCOPY foo /foo\nRUN echo two\n"
    f"FROM {WORKING}\nWORKDIR /work\nCOPY --from=a /foo /foo\nRUN echo three\n"
)


@pytest.fixture
def twins(bench: Bench, bookworm_base: Base) -> tuple[ImageArchive, ImageArchive]:
    """The base and its moved twin, both in the engine."""
    original, moved = bookworm_base.image, bookworm_base.moved
    assert moved is not None
    bench.engine.ensure(original)
    bench.engine.ensure(moved)
    return original, moved


def build(
    bench: Bench, base: ImageArchive, text: str = TEXT, *, cold: bool = False
) -> BuildOutcome:
    bench.engine.tag(base.ref, WORKING)
    outcome = bench.build(text, {"foo": "1"}, cold=cold)
    assert outcome.status == "ok", outcome.reason
    return outcome


def outcomes(outcome: BuildOutcome) -> set[Outcome | None]:
    return {step.outcome for step in outcome.steps if step.counted}


def test_every_step_misses_after_the_base_moved(
    bench: Bench, twins: tuple[ImageArchive, ImageArchive]
) -> None:
    original, moved = twins
    build(bench, original, cold=True)
    assert outcomes(build(bench, original)) == {Outcome.HIT}
    assert outcomes(build(bench, moved)) == {Outcome.MISS}
    assert outcomes(build(bench, original)) == {Outcome.HIT}, "it was the base and nothing else"


def test_the_moved_base_holds_what_moved_it(
    real_bench: Bench, twins: tuple[ImageArchive, ImageArchive]
) -> None:
    text = f"FROM {WORKING}\nRUN cat /etc/imagelab-moved || echo it stands still\n"
    original, moved = twins
    build(real_bench, original, text, cold=True)
    assert b"it stands still" in real_bench.logs
    build(real_bench, moved, text)
    assert b"This base moved" in real_bench.logs
    inspect = real_bench.engine.inspect
    assert (inspect(moved.ref).layers or 0) == (inspect(original.ref).layers or 0) + 1


def test_the_twin_comes_with_the_base_and_is_not_loaded_again(
    real_bench: Bench, bookworm_base: Base
) -> None:
    assert bookworm_base.moved is not None
    real_bench.engine.ensure(bookworm_base.image)
    build(real_bench, bookworm_base.image, f"FROM {WORKING}\nLABEL a=b\n", cold=True)
    real_bench.engine.ensure(replace(bookworm_base.moved, path=Path("/nowhere")))


@pytest.mark.parametrize("name", ["docker@20.10"])
def test_it_misses_in_every_round_on_a_users_own_buildkit(name: str, bookworm_base: Base) -> None:
    """Whose cache keeps some of what the lab built: its records do not all say who made them."""
    original, moved = bookworm_base.image, bookworm_base.moved
    assert moved is not None
    with start_docker(print, programs(parse(name), print)) as daemon:
        bench = Bench(open_engine(name, daemon.endpoint))
        bench.engine.ensure(original)
        bench.engine.ensure(moved)
        for _ in range(2):
            build(bench, original, cold=True)
            bench.engine.tag(moved.ref, WORKING, unseen=True)
            outcome = bench.build(TEXT, {"foo": "1"})
            assert outcome.status == "ok", outcome.reason
            assert outcomes(outcome) == {Outcome.MISS}
        bench.engine.close()
        assert ask(daemon.endpoint, "/info")["Images"] == 0


def test_both_are_taken_away_again_from_a_users_engine(bookworm_base: Base) -> None:
    assert bookworm_base.moved is not None
    for name, start in (("docker", start_docker), ("podman", start_podman)):
        with start(print) as daemon:
            engine = open_engine(name, daemon.endpoint)
            engine.ensure(bookworm_base.image)
            engine.ensure(bookworm_base.moved)
            engine.tag(bookworm_base.moved.ref, WORKING)
            engine.close()
            assert ask(daemon.endpoint, "/info")["Images"] == 0, name
