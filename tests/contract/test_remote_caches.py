"""Caches of fresh engines, by each strategy that an engine can do: what hits is what was not run.

Every RUN writes a random value into the image. A step of a build on an engine with empty storage is
a hit exactly where its value is that of the build whose cache was restored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lab.caching.explain.fresh_causes import reason_of
from lab.caching.predict.compare_builds import compare
from lab.engines import remote_caches
from lab.engines.protocol import Engine, ImageArchive, RemoteCache
from lab.engines.registry import start_registry
from lab.host.relay import Relay
from lab.model import engine_name
from lab.model.events import Outcome
from lab.model.remote_cache import STAYING, STRATEGIES, Remote
from lab.runner.fresh import Place
from lab.runner.moves import Moves
from tests.contract.conftest import Bench
from tests.fresh_builds import FRESH, Builds, Built, Project, ran, roots

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")

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
BEFORE = Project(text=TEXT, files={"go.mod": "m", "src/a": "a"})
EDITED = replace(BEFORE, files={**BEFORE.files, "src/a": "b"})
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


@pytest.fixture(scope="module")
def builds(bookworm: ImageArchive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    with start_registry(print) as registry:
        folder = tmp_path_factory.mktemp("caches")
        yield Builds(registry=registry, base=bookworm, folder=folder)


@pytest.fixture(scope="module")
def docker(engines: Callable[[str], Engine]) -> Bench:
    return Bench(engines("docker"))


def told_of(built: Built) -> Remote:
    assert built.outcome.status == "ok", built.outcome.reason
    assert built.remote is not None
    assert not built.remote.failures
    return built.remote


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
def test_a_fresh_engine_hits_what_it_was_given(name: str, strategy: str, builds: Builds) -> None:
    cold = builds.build(name, strategy, BEFORE, save="main")
    assert cold.outcome.cache.hits == 0
    saved = told_of(cold)
    assert saved.stored is not None
    assert saved.stored.bytes > 600_000, "the random files cannot be packed any smaller"
    after = builds.build(name, strategy, EDITED, restore="main", save="after")
    told = told_of(after)
    truth = {
        step: Outcome.HIT if cold.values[step] == value else Outcome.MISS
        for step, value in after.values.items()
    }
    assert ran(after) == truth
    predicted = compare(BEFORE.inputs(), EDITED.inputs(), after.rules, strategy).build
    steps = [step for step in after.outcome.steps if step.counted]
    sure = [step for step in steps if step.index not in predicted.assumed]
    assert {step.index: predicted.outcomes[step.index] for step in sure} == {
        step.index: step.outcome for step in sure
    }
    named = {"COPY src /src": "1 file changed (src/a content)"}
    if strategy not in WHOLE:
        named[TEXT.split("\n")[1]] = "its layers are not in the cache: "
    caused = roots(cold, BEFORE, after, EDITED, name)
    assert caused.keys() == named.keys()
    assert all(said.startswith(named[step]) for step, said in caused.items())
    hits = {step for step, outcome in truth.items() if outcome is Outcome.HIT}
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


def test_a_registrys_whole_cache_keeps_its_worth_when_it_is_handed_on(builds: Builds) -> None:
    """Caches in images do not always: docs/fresh-runner.md."""
    name, strategy = "docker@28/containerd", "registry-max"
    tags = [f"handed-{number}" for number in range(3)]
    builds.build(name, strategy, BEFORE, save=tags[0])
    same = builds.build(name, strategy, BEFORE, restore=tags[0], save=tags[1])
    assert same.outcome.cache.misses == 0
    after = builds.build(name, strategy, EDITED, restore=tags[1], save=tags[2])
    now, made = after.values, same.values
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
    port: str, reason: str, docker: Bench, builds: Builds
) -> None:
    """Docker's own words for it, which one vertex alone has."""
    with Relay(builds.registry.socket, namespace=docker.engine.network) as relay:
        address = relay.address if port == "there" else "127.0.0.1:9"
        remote = RemoteCache(
            strategy="inline", repository=f"{address}/lab/x", folder=builds.folder, restore="no"
        )
        place = Place(engine=docker.engine, remote=remote, relay=relay, registry=builds.registry)
        moves = Moves(place)
        given = Bench(docker.engine, remote=remote)
        outcome = given.build("FROM BASE\nRUN true\n", on_event=moves.add)
        told = moves.result()
    assert outcome.status == "ok"
    assert told is not None
    (failure,) = told.failures
    assert reason_of(failure.removeprefix("import: ")) == reason


def outcomes(built: Built) -> set[str]:
    return {step for step, outcome in ran(built).items() if outcome is Outcome.HIT}


def test_docker_builds_on_without_a_registry_that_refuses_or_is_full(builds: Builds) -> None:
    name, strategy = "docker", "stage-images"
    builds.build(name, strategy, BEFORE, save="good")
    refused = builds.build(name, strategy, EDITED, day="refusing", restore="good", save="a")
    assert refused.outcome.status == "ok"
    assert outcomes(refused) == set()
    assert refused.remote is not None
    failures = dict(text.split(": ", 1) for text in refused.remote.failures)
    assert reason_of(failures["import"]) == "the registry refuses access"
    assert reason_of(failures["export"]) == "the registry refuses access"
    full = builds.build(name, strategy, EDITED, day="full", restore="good", save="b")
    assert full.outcome.status == "ok"
    assert outcomes(full) == KEPT
    assert full.remote is not None
    (failure,) = full.remote.failures
    assert failure.startswith("export: ")


def test_podman_misses_where_it_may_not_read_and_fails_where_it_may_not_write(
    builds: Builds,
) -> None:
    name, strategy = "podman", "podman-registry"
    builds.build(name, strategy, BEFORE, save="main")
    gone = builds.build(name, strategy, EDITED, day="gone", restore="main")
    assert gone.outcome.status == "ok"
    assert outcomes(gone) == set()
    assert gone.remote is not None
    assert gone.remote.blobs_missing
    assert not gone.remote.failures
    refused = builds.build(name, strategy, EDITED, day="refusing", restore="main", save="main")
    assert refused.outcome.status == "failed"
    assert "authentication required" in str(refused.outcome.reason)
    assert refused.remote is not None
    (failure,) = refused.remote.failures
    assert reason_of(failure.removeprefix("import: ")) == "the registry refuses access"
    # What befell those registries befell no other.
    well = builds.build(name, strategy, EDITED, restore="main")
    assert outcomes(well) == KEPT
