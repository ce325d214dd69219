"""Caches of fresh engines, by each strategy that an engine can do: what hits is what was not run.

Every RUN writes a random value into the image. A step of a build on an engine with empty storage is
a hit exactly where its value is that of the build whose cache was restored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.caching.explain.fresh_causes import reason_of
from lab.caching.predict.compare_builds import compare
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, Rules, archive_rules, make
from lab.dockerfile.context import Context
from lab.engines import open_engine, remote_caches
from lab.engines.protocol import BuildRequest, Engine, ImageArchive, RemoteCache
from lab.engines.registry import Registry, start_registry
from lab.host.relay import Relay
from lab.model import engine_name
from lab.model.events import Outcome
from lab.model.remote_cache import STAYING, STRATEGIES, Remote
from lab.runner.fresh import Place
from lab.runner.moves import Moves
from lab.runner.recorder import BuildOutcome, BuildRecorder
from tests.contract import oracle
from tests.contract.conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")

FRESH = "mkdir -p /oracle; cat /proc/sys/kernel/random/uuid > /oracle/"
TEXT = f"""FROM BASE AS tools
RUN {FRESH}tools; head -c 300000 /dev/urandom > /tool
FROM BASE AS build
COPY --from=tools /oracle /oracle
COPY --from=tools /tool /tool
COPY go.mod /go.mod
RUN --mount=type=cache,id=lab-remote,target=/c {FRESH}deps; head -c 300000 /dev/urandom > /deps
COPY src /src
RUN cat /src/a /deps; {FRESH}compiled
FROM BASE
RUN {FRESH}final
COPY --from=build /oracle /oracle
"""
FILES = {"go.mod": "m", "src/a": "a"}
KEPT = {"tools", "deps", "final"}  # what an edit of src leaves alone
# All of these hit after it where the cache holds every stage's layers, else the last stage's.
WHOLE = {"stage-images", "registry-max", "local", "podman-registry"}
NAMES = ("docker", "docker@28/containerd", "podman")
# One strategy of each kind, and what makes them differ; `make test-engines` takes all of all.
FEW = (
    ("docker", "inline"),
    ("docker", "stage-images"),
    ("docker@28/containerd", "registry-max"),
    ("podman", "podman-registry"),
)


@dataclass
class Runner:
    """Builds on engines that have built nothing, with one registry between them."""

    registry: Registry
    base: ImageArchive
    folder: Path
    names: set[str] = field(default_factory=set)

    def build(
        self, name: str, strategy: str, files: dict[str, str], **tags: str
    ) -> tuple[BuildOutcome, dict[str, str], Remote]:
        with ExitStack() as stack:
            engine: Engine = stack.enter_context(closing(open_engine(name, private=True)))
            engine.ensure(self.base)
            relay = stack.enter_context(Relay(self.registry.socket, namespace=engine.network))
            remote = RemoteCache(
                strategy=strategy,
                repository=f"{relay.address}/lab/{strategy}",
                folder=self.folder / strategy,
                **tags,  # type: ignore[arg-type]  # restore and save alone
            )
            text = TEXT.replace("BASE", self.base.ref)
            parsed = parser.parse(text)
            context = Context.of_files(files).with_file("Dockerfile", text.encode())
            archive = stack.enter_context(closing(context.archive()))
            request = BuildRequest(
                dockerfile=parsed,
                dockerfile_path="Dockerfile",
                context=archive,
                tag="localhost/lab/test:remote",
                remote=remote,
            )
            recorder = BuildRecorder(parsed)
            moves = Moves(Place(engine=engine, remote=remote, relay=relay, registry=self.registry))
            for event in engine.build(request):
                recorder.add(event)
                moves.add(event)
            outcome = recorder.result()
            assert outcome.status == "ok", outcome.reason
            moves.save(engine, request)
            told = moves.result()
            assert told is not None
            assert not told.failures
            return outcome, oracle.values(engine, request.tag), told


@pytest.fixture(scope="module")
def runner(bookworm: ImageArchive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with start_registry(print) as registry:
        yield Runner(registry, bookworm, tmp_path_factory.mktemp("caches"))


@pytest.fixture(scope="module")
def docker(engines: Callable[[str], Engine]) -> Bench:
    return Bench(engines("docker"))


def inputs(files: dict[str, str]) -> CacheInputs:
    context = Context.of_files(files).with_file("Dockerfile", TEXT.encode())
    return make(parser.parse(TEXT), context, digest=lambda ref: f"sha256:{ref}")


def rules(name: str) -> Rules:
    return archive_rules(*engine_name.identity(name))


def able(name: str) -> list[str]:
    return [
        one
        for one in STRATEGIES
        if one not in STAYING and not remote_caches.lacks(name, "", one, containerd=None)
    ]


def cases() -> list[tuple[str, str]]:
    named = os.environ.get("LAB_TEST_ENGINES", "").split()
    real = [name for name in named if engine_name.family(name) in {"docker", "podman"}]
    return [(name, one) for name in real for one in able(name)] if named else [*FEW]


@pytest.mark.parametrize(("name", "strategy"), cases())
def test_a_fresh_engine_hits_what_it_was_given(name: str, strategy: str, runner: Runner) -> None:
    runner.registry.log.more()
    cold, made, saved = runner.build(name, strategy, FILES, save="main")
    assert cold.cache.hits == 0
    assert saved.stored is not None
    assert saved.stored.bytes > 600_000, "the random files cannot be packed any smaller"
    edited = FILES | {"src/a": "b"}
    after, now, told = runner.build(name, strategy, edited, restore="main", save="after")
    outcomes = {
        step.instruction.split("/oracle/")[1].split(";")[0]: step.outcome
        for step in after.steps
        if step.instruction.startswith("RUN")
    }
    truth = {
        name: Outcome.HIT if made[name] == value else Outcome.MISS for name, value in now.items()
    }
    assert outcomes == truth
    predicted = compare(*(inputs(files) for files in (FILES, edited)), rules(name), strategy).build
    assert {
        step.index: predicted.outcomes[step.index]
        for step in after.steps
        if step.counted and step.index not in predicted.assumed
    } == {
        step.index: step.outcome
        for step in after.steps
        if step.counted and step.index not in predicted.assumed
    }
    hits = {name for name, outcome in truth.items() if outcome is Outcome.HIT}
    assert hits == (KEPT if strategy in WHOLE else {"final"})
    assert told.import_s is not None
    assert told.export_s is not None
    if strategy != "local":
        assert told.up_bytes is not None
        assert told.down_bytes is not None
        assert told.down_bytes > (600_000 if strategy in WHOLE else 0)
        assert saved.up_bytes is not None
        assert saved.up_bytes > saved.stored.bytes
        assert saved.blobs_up


def test_a_registrys_whole_cache_keeps_its_worth_when_it_is_handed_on(runner: Runner) -> None:
    """Caches in images do not always: docs/fresh-runner.md."""
    name, strategy = "docker@28/containerd", "registry-max"
    tags = [f"handed-{number}" for number in range(3)]
    runner.build(name, strategy, FILES, save=tags[0])
    same, made, _ = runner.build(name, strategy, FILES, restore=tags[0], save=tags[1])
    assert same.cache.misses == 0
    edited = FILES | {"src/a": "b"}
    _, now, _ = runner.build(name, strategy, edited, restore=tags[1], save=tags[2])
    assert {one for one in now if now[one] == made[one]} == KEPT


@pytest.mark.parametrize("name", NAMES)
def test_what_an_engine_cannot_is_refused_with_what_it_can(name: str) -> None:
    for strategy in set(STRATEGIES) - STAYING - set(able(name)):
        (why,) = remote_caches.lacks(name, "", strategy, containerd=None)
        assert strategy in why


@pytest.mark.parametrize(
    ("port", "reason"),
    [("there", "the registry has no such cache"), ("closed", "the registry does not answer")],
)
def test_a_cache_that_cannot_be_read_fails_no_build_and_is_told(
    port: str, reason: str, docker: Bench, runner: Runner
) -> None:
    """Docker's own words for it, which one vertex alone has."""
    with Relay(runner.registry.socket, namespace=docker.engine.network) as relay:
        address = relay.address if port == "there" else "127.0.0.1:9"
        remote = RemoteCache(
            strategy="inline", repository=f"{address}/lab/x", folder=runner.folder, restore="no"
        )
        place = Place(engine=docker.engine, remote=remote, relay=relay, registry=runner.registry)
        moves = Moves(place)
        given = Bench(docker.engine, remote=remote)
        outcome = given.build("FROM BASE\nRUN true\n", on_event=moves.add)
        told = moves.result()
    assert outcome.status == "ok"
    assert told is not None
    (failure,) = told.failures
    assert reason_of(failure.removeprefix("import: ")) == reason
