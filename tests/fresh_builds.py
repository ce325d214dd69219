"""Builds on engines that have built nothing, each with what a cache strategy restores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.caching.explain.fresh_causes import explain_fresh
from lab.caching.explain.model import MeasuredBuild
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, Rules, archive_rules, make
from lab.dockerfile.context import Context
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest, Engine, ImageArchive, RemoteCache
from lab.engines.registry import Registry
from lab.engines.registry_days import SLOW, on_day
from lab.host.relay import Relay
from lab.model.events import Outcome
from lab.model.record import Build
from lab.model.remote_cache import NOTHING, SPOILT, WELL, Remote
from lab.runner.fresh import Place
from lab.runner.moves import Moves
from lab.runner.recorder import BuildOutcome, BuildRecorder
from tests.contract import oracle

TAG = "localhost/lab/test:remote"
FRESH = "mkdir -p /oracle; cat /proc/sys/kernel/random/uuid > /oracle/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is built; BASE in the text stands for the base. Each RUN keeps a value by FRESH."""

    text: str
    files: Mapping[str, str]
    args: Mapping[str, str] = field(default_factory=dict)

    def inputs(self) -> CacheInputs:
        """What the lab is told of it."""
        context = Context.of_files(dict(self.files)).with_file("Dockerfile", self.text.encode())
        parsed = parser.parse(self.text, self.args)
        return make(parsed, context, build_args=dict(self.args), digest=lambda ref: f"sha256:{ref}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What became of a build, the values in its image, and what is told of its cache.

    ``rules`` are those of the engine's own version.
    """

    outcome: BuildOutcome
    values: Mapping[str, str]
    remote: Remote | None
    rules: Rules


def ran(built: Built) -> dict[str, Outcome | None]:
    """The outcome of each step that keeps a value, by its name; None: its stage was not needed."""
    return {
        step.instruction.split("/oracle/")[1].split(";")[0]: step.outcome
        for step in built.outcome.steps
        if step.instruction.startswith("RUN") and "> /oracle/" in step.instruction
    }


def roots(
    cold: Built, before: Project, after: Built, edited: Project, engine: str
) -> dict[str, str]:
    """What `lab explain` says of each step that ran for a cause of its own, by its text."""
    found = explain_fresh(
        _measured("fresh", engine, after, edited),
        [_measured("cold", engine, cold, before)],
        after.rules,
    )
    return {part.step.instruction: part.text for part in found.roots}


def _measured(phase: str, engine: str, built: Built, project: Project) -> MeasuredBuild:
    strategy = built.remote.strategy if built.remote else NOTHING
    record = Build(
        id=phase,
        cell={"engine": engine, "cache": strategy},
        round=1,
        phase=phase,
        status=built.outcome.status,
        cache=built.outcome.cache,
        steps=built.outcome.steps,
        remote=built.remote,
    )
    return MeasuredBuild(record=record, inputs=project.inputs())


@dataclass(slots=True, kw_only=True)
class Builds:
    """Engines with one registry between them, each of which builds one project once."""

    registry: Registry
    base: ImageArchive
    folder: Path

    @contextmanager
    def place(self, name: str, strategy: str, *, day: str = WELL, **tags: str) -> Iterator[Place]:
        """A fresh engine, and its way to the registry; ``tags`` are restore and save."""
        with ExitStack() as stack:
            engine: Engine = stack.enter_context(closing(open_engine(name, private=True)))
            engine.ensure(self.base)
            registry = self.registry
            if day in SPOILT:
                registry = stack.enter_context(on_day(day, registry, print))
            link = SLOW if day == "slow" else None
            relay = stack.enter_context(Relay(registry.socket, namespace=engine.network, link=link))
            if day == "absent":
                relay.close()
            remote = RemoteCache(
                strategy=strategy,
                repository=f"{relay.address}/lab/{strategy}",
                folder=self.folder / strategy,
                **tags,
            )
            yield Place(engine=engine, remote=remote, relay=relay, registry=registry)

    def build(self, name: str, strategy: str, project: Project, **tags: str) -> Built:
        """Build on a fresh engine."""
        with self.place(name, strategy, **tags) as place:
            return self.at(place, project)

    def at(self, place: Place, project: Project) -> Built:
        """Build where an engine is."""
        text = project.text.replace("BASE", self.base.ref)
        context = Context.of_files(dict(project.files)).with_file("Dockerfile", text.encode())
        return built(place, text, context, project.args)


def built(
    place: Place, text: str, context: Context, args: Mapping[str, str], *, kept: bool = True
) -> Built:
    """Build, and save the cache where the place says; ``kept``: the image's values are read."""
    parsed, engine = parser.parse(text, args), place.engine
    with closing(context.archive()) as archive:
        request = BuildRequest(
            dockerfile=parsed,
            dockerfile_path="Dockerfile",
            context=archive,
            tag=TAG,
            build_args=dict(args),
            remote=place.remote,
        )
        recorder, moves = BuildRecorder(parsed), Moves(place)
        with closing(engine.build(request)) as told:
            for event in told:
                recorder.add(event)
                moves.add(event)
        outcome = recorder.result()
        ended = outcome.status == "ok"
        if ended:
            moves.save(engine, request)
        facts = engine.facts()
        return Built(
            outcome=outcome,
            values=oracle.values(engine, TAG) if ended and kept else {},
            remote=moves.result(),
            rules=archive_rules(facts.name, facts.version, facts.storage),
        )
