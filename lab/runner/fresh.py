"""Engines with empty storage, one for each build that asks for one, and the registry between them.

A trial's cache is exported by one engine, which made it cold, and imported by others, each of which
builds once: an engine that has exported with mode=max exports the same layers with mode=min, one
that was warm leaves keys of its base out, and one that has imported holds what it imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from lab.engines import open_engine, registry_days, remote_caches
from lab.engines.protocol import Engine, RemoteCache
from lab.engines.registry import Registry, start_registry
from lab.host import paths, signals
from lab.host.content_cache import Cache
from lab.host.relay import Relay
from lab.model.remote_cache import AXIS, SPOILT, STAYING, WARM, WELL
from lab.runner.options import Say
from lab.scenario.model import Scenario
from lab.scenario.plan import Phase, Trial

MAIN = "main"  # the tag that the cold build's cache gets


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The engine of one phase, and the remote cache that its build is given, if any.

    ``whole``: what the registry then holds is what the trial's next phase
    would find in it.
    """

    engine: Engine
    remote: RemoteCache | None = None
    relay: Relay | None = None
    registry: Registry | None = None
    whole: bool = True


Places = Callable[[Phase], AbstractContextManager[Place]]


def one_engine(engine: Engine) -> Places:
    """Every phase on the same engine, without any remote cache."""
    return lambda _: nullcontext(Place(engine=engine))


class FreshEngines:
    """What the trials of one run have in common: a registry, started when one first needs it."""

    def __init__(self, stack: ExitStack, say: Say, scenario: Scenario) -> None:
        self._stack, self._say = stack, say
        self._links, self._hand_on = scenario.links, scenario.hand_on
        self._registry: Registry | None = None
        self._folder: Path | None = None

    @classmethod
    @contextmanager
    def open(cls, scenario: Scenario, say: Say) -> Iterator[FreshEngines]:
        """Fetch what its strategies need of programs; the registry ends with this."""
        remote_caches.fetch(scenario.axes[AXIS], say)
        with ExitStack() as stack:
            yield cls(stack, say, scenario)

    @contextmanager
    def places(self, trial: Trial) -> Iterator[Places]:
        """Where the phases of a trial are built."""
        with ExitStack() as stack:
            held: list[Place] = []

            @contextmanager
            def place(phase: Phase) -> Iterator[Place]:
                if phase.fresh and trial.cell.cache != WARM:
                    with self._opened(trial, trial.cell.day) as found:
                        yield _given(found, trial, phase, hand_on=self._hand_on)
                    return
                if not held:
                    held.append(stack.enter_context(self._opened(trial, WELL)))
                yield _given(held[0], trial, phase, hand_on=self._hand_on)

            yield place

    @contextmanager
    def _opened(self, trial: Trial, day: str) -> Iterator[Place]:
        with ExitStack() as stack:
            engine = open_engine(trial.cell.engine, private=True)
            stack.callback(_close, engine)
            for image in trial.built_from.images:
                engine.ensure(image)
            strategy = trial.cell.cache
            if strategy in STAYING:
                yield Place(engine=engine)
                return
            registry = self._registry_on(day, stack)
            link = registry_days.SLOW if day == "slow" else self._links.get(trial.cell.link)
            relay = stack.enter_context(Relay(registry.socket, namespace=engine.network, link=link))
            if day == "absent":
                relay.close()
            remote = RemoteCache(
                strategy=strategy,
                repository=f"{relay.address}/{repository(trial)}",
                folder=self._files(trial),
            )
            yield Place(
                engine=engine,
                remote=remote,
                relay=relay,
                registry=registry,
                whole=day in {WELL, "slow"},
            )

    def _registry_on(self, day: str, stack: ExitStack) -> Registry:
        """The run's registry; on a bad day one that is like it, and that goes with the phase."""
        shared = self._shared()
        if day not in SPOILT:
            return shared
        return stack.enter_context(registry_days.on_day(day, shared, self._say))

    def _shared(self) -> Registry:
        if self._registry is None:
            self._registry = self._stack.enter_context(start_registry(self._say))
        return self._registry

    def _files(self, trial: Trial) -> Path:
        if self._folder is None:
            cache = Cache(paths.cache_dir() / "clients")
            self._folder = self._stack.enter_context(cache.temporary())
        return self._folder / trial.token


def repository(trial: Trial) -> str:
    """The trial's own repository: no other trial's cache is ever found in it."""
    return f"lab/{trial.token}"


def _given(place: Place, trial: Trial, phase: Phase, *, hand_on: bool) -> Place:
    """The place with what this phase takes from the cache, and where it leaves its own.

    A fresh build saves too, as a job does: to where no other phase restores from, unless caches are
    handed on from one to the next.
    """
    remote = place.remote
    if remote is None or not (phase.cold or phase.fresh):
        return replace(place, remote=None)
    source = source_of(trial.phases, phase, hand_on=hand_on) if phase.fresh else None
    return replace(
        place,
        remote=replace(
            remote,
            restore=None if source is None else _tag(trial, source),
            source=None if source is None else source.name,
            save=_tag(trial, phase),
        ),
    )


def source_of(phases: Sequence[Phase], phase: Phase, *, hand_on: bool) -> Phase | None:
    """The phase whose cache a fresh one restores."""
    before = phases[: phases.index(phase)]
    savers = [one for one in before if one.cold or (hand_on and one.fresh)]
    return savers[-1] if savers else None


def _tag(trial: Trial, phase: Phase) -> str:
    return MAIN if phase.cold else f"after-{trial.phases.index(phase)}"


def _close(engine: Engine) -> None:
    with signals.shielded():  # a second Ctrl-C must not leave a daemon's mounts behind
        engine.close()
