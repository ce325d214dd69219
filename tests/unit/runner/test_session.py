"""What a run's head says of machines and bases, on the simulated engine: nothing is built."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lab.engines import simulated
from lab.engines.protocol import BuildRequest, Engine
from lab.model.errors import InputError
from lab.model.events import Event
from lab.model.record import EngineFacts, HostFacts
from lab.results import runs
from lab.runner import prepare, runner, session
from lab.scenario import loader, model, plan

TEXT = """\
name: registry
engines: [simulated]
bases: [{image: "registry.example/base:1", name: ours}]
workload: {packages: 1, lines: 200, depth: 1}
layouts: [default]
phases: [cold, rebuild]
rounds: 1
"""


class Nobody:
    """Watches nothing."""

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """Nothing."""

    def see(self, event: runner.RunEvent) -> None:
        """Nothing."""

    def open(self, comparisons: Sequence[str]) -> None:
        """Nothing."""


@pytest.fixture
def run(tmp_path: Path) -> runs.StoredRun:
    path = tmp_path / "scenario.yaml"
    path.write_text(TEXT)
    options = session.Options(results=tmp_path / "results")
    return session.run(loader.load(path), options, say=lambda _: None, watcher=Nobody())


def test_of_an_image_in_a_registry_nothing_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(TEXT.replace("[simulated]", "[docker]"))
    engines = {"docker": cast(Engine, SimpleNamespace(simulated=False))}
    known = prepare.images(loader.load(path), engines, lambda _: None).known
    ref = "registry.example/base:1"
    told = {"name": "ours", "ref": ref, "digest": ref, "origin": "registry"}
    nothing = {"glibc": None, "go": None}
    assert list(map(prepare.as_record, known)) == [told | nothing], "once, not as toolchain too"


def test_a_simulated_engine_has_no_machine_so_the_clients_stays(run: runs.StoredRun) -> None:
    assert run.run.status == "complete"
    assert [engine.host for engine in run.run.engines] == [HostFacts()]
    assert run.run.host.kernel


def test_the_machine_of_a_run_is_where_it_is_built() -> None:
    def engine(name: str, host: HostFacts) -> EngineFacts:
        return EngineFacts(
            name=name,
            version="1",
            api="1",
            endpoint="",
            private=False,
            storage="",
            builder="",
            host=host,
        )

    client, far = HostFacts(kernel="here"), HostFacts(kernel="far")
    engines = [engine("simulated", HostFacts()), engine("docker", far)]
    assert prepare._where_it_is_built(engines, otherwise=client) == far
    assert prepare._where_it_is_built(engines[:1], otherwise=client) == client


class Counting(Nobody):
    """Notes what a run is about to do."""

    def __init__(self) -> None:
        self.coming: list[str] = []

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """Notes the builds that are to come."""
        del folder
        self.coming = [trial.build_id(phase) for trial in trials for phase in trial.phases]


@pytest.fixture
def too_many(monkeypatch: pytest.MonkeyPatch) -> model.Scenario:
    """A scenario that is only refused once a run has begun."""
    monkeypatch.setattr(plan, "MOST_BUILDS", 20_000)
    return loader.parse(TEXT.replace("rounds: 1", "rounds: 10000\nwarm_up: 99"), None)


def test_a_run_that_is_refused_leaves_no_folder(tmp_path: Path, too_many: model.Scenario) -> None:
    options = session.Options(results=tmp_path / "results")
    with pytest.raises(InputError):
        session.run(too_many, options, say=lambda _: None, watcher=Nobody())
    assert list((tmp_path / "results").iterdir()) == []


def test_a_resumed_run_that_is_refused_keeps_its_folder(
    run: runs.StoredRun, too_many: model.Scenario
) -> None:
    head = run.folder / runs.RUN_FILE
    head.write_text(json.dumps({**json.loads(head.read_text()), "status": "partial"}))
    (run.folder / runs.BUILDS_FILE).write_text("")
    options = session.Options(results=run.folder.parent)
    stopped = runs.load(run.folder, options.results)
    with pytest.raises(InputError):
        session.run(too_many, options, say=lambda _: None, watcher=Nobody(), resumed=stopped)
    assert head.exists()


@pytest.mark.slow
def test_a_resumed_run_counts_what_is_left(tmp_path: Path) -> None:
    asked = loader.parse(TEXT.replace("rounds: 1", "rounds: 3"), None)
    options = session.Options(results=tmp_path / "results")
    run = session.run(asked, options, say=lambda _: None, watcher=Nobody())
    builds, head = run.folder / runs.BUILDS_FILE, run.folder / runs.RUN_FILE
    lines = builds.read_text().splitlines(keepends=True)
    assert len(lines) == 6
    builds.write_text("".join(lines[:3]))  # one trial whole, and half of the next
    head.write_text(json.dumps({**json.loads(head.read_text()), "status": "partial"}))
    watcher = Counting()
    stopped = runs.load(run.folder, options.results)
    session.run(asked, options, say=lambda _: None, watcher=watcher, resumed=stopped)
    assert watcher.coming == [one.id for one in run.builds[2:]]


@pytest.mark.slow
def test_a_build_starts_where_its_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []
    build = simulated.SimulatedEngine.build

    def slow(self: simulated.SimulatedEngine, request: BuildRequest) -> Iterator[Event]:
        time.sleep(0.05)  # the engine is made ready, and the context was packed
        events = build(self, request)
        yield next(events)
        begun.append(time.time())
        yield from events

    monkeypatch.setattr(simulated.SimulatedEngine, "build", slow)
    path = tmp_path / "scenario.yaml"
    path.write_text(TEXT)
    options = session.Options(results=tmp_path / "results")
    stored = session.run(loader.load(path), options, say=lambda _: None, watcher=Nobody())
    told = [datetime.fromisoformat(one.started or "").timestamp() for one in stored.builds]
    assert len(told) == len(begun) == 2
    for at, clock in zip(told, begun, strict=True):
        assert 0 <= clock - at < 0.01  # cut to the millisecond; the rest is the test's own way
