"""What a run needs before its first build: open engines, base images, and both in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

from lab.engines import open_engine
from lab.engines.protocol import Engine, ImageArchive
from lab.host import signals
from lab.images.sources import base_images
from lab.images.sources.types import Base, BaseSource
from lab.model.errors import InputError, SourceError
from lab.model.record import EngineFacts, HostFacts, Run
from lab.runner.options import Options, Say
from lab.scenario.build_inputs import Images
from lab.scenario.model import Generated, Own, Scenario
from lab.scenario.plan import Cell, Trial


@dataclass(frozen=True, slots=True)
class ReadyImages:
    """The images that a scenario's cells build on."""

    bases: Mapping[str, Base]
    toolchains: Mapping[tuple[str, str], Base]
    named: Mapping[str, Base] = field(default_factory=dict)

    @property
    def known(self) -> tuple[Base, ...]:
        """All of them."""
        # A base that brings its own Go is its own toolchain.
        every = (*self.bases.values(), *self.toolchains.values(), *self.named.values())
        return tuple(dict.fromkeys(every))

    def of(self, cell: Cell) -> Images:
        """Those of one cell."""
        base, toolchain = cell.axes["base"], cell.axes["toolchain"]
        return Images(
            base=self.bases.get(base),
            toolchain=self.toolchains.get((base, toolchain)),
            named=self.named,
        )


def open_engines(
    scenario: Scenario, options: Options, stack: ExitStack, say: Say
) -> dict[str, Engine]:
    """The scenario's engines by name; ``stack`` closes them."""
    if scenario.fresh and options.endpoints:
        name, address = next(iter(options.endpoints.items()))
        raise InputError(
            f"{name}={address}: fresh phases are built on engines that the lab starts for itself",
            remedy="leave the address out",
        )
    engines: dict[str, Engine] = {}
    stack.callback(close_engines, engines)
    for name in scenario.engines:
        engines[name] = open_engine(
            name,
            options.endpoints.get(name),
            private=options.private or scenario.fresh,
            keep=options.keep,
            say=say,
        )
    return engines


def close_engines(engines: Mapping[str, Engine]) -> None:
    """Close them side by side."""
    # A second Ctrl-C must not leave a daemon's mounts behind.
    with signals.shielded(), ThreadPoolExecutor() as pool:
        for closing in [pool.submit(engine.close) for engine in engines.values()]:
            closing.result()


def images(scenario: Scenario, engines: Mapping[str, Engine], say: Say) -> ReadyImages:
    """What the engines that can run something build on; a simulated one takes any name for it."""
    if all(engine.simulated for engine in engines.values()):
        return ReadyImages({}, {})
    return made_images(scenario, say)


def made_images(scenario: Scenario, say: Say) -> ReadyImages:
    """The images of all bases and toolchains, for engines that can run something."""
    made = {source.name: _base(source, say) for source in scenario.bases}
    return ReadyImages(
        made,
        {
            (name, source.name): base_images.with_toolchain(base, source, say=say)
            for name, base in made.items()
            for source in scenario.toolchains
        },
        _named(scenario.workload, say),
    )


def _named(work: Generated | Own, say: Say) -> dict[str, Base]:
    """The images that stand for references in a Dockerfile of the user's own."""
    if not isinstance(work, Own) or not work.images:
        return {}
    return {ref: replace(_local(name, ref, say), moved=None) for ref, name in work.images.items()}


def _base(source: BaseSource, say: Say) -> Base:
    if source.kind == "local":
        return _local(source.value, source.name, say)
    return base_images.base(source, say=say)


def _local(text: str, name: str, say: Say) -> Base:
    """The image of a name that the user has for it."""
    # Here, for it needs packages that most runs do not.
    from lab.images.opened import opened

    one = opened(text, say=say)
    return Base(
        name=name,
        image=one.archive,
        moved=one.moved,
        glibc=one.contents.glibc(),
        go=one.contents.go(),
        digest=str(one.archive.id),
        origin=one.origin,
    )


def head(
    begun: Run, scenario: Scenario, engines: Iterable[Engine], images: ReadyImages, here: HostFacts
) -> Run:
    """The run's head once all is known that the builds depend on; ``here`` is the client's host."""
    facts = tuple(engine.facts() for engine in engines)
    return replace(
        begun,
        host=_where_it_is_built(facts, otherwise=here),
        engines=facts,
        bases=tuple(as_record(base) for base in images.known),
        options=replace(
            begun.options,
            rounds=scenario.rounds,
            until=scenario.until,
            warm_up=scenario.warm_up,
        ),
    )


def _where_it_is_built(engines: Sequence[EngineFacts], otherwise: HostFacts) -> HostFacts:
    """The machine of the first engine that tells of one: a simulated engine has none."""
    return next((one.host for one in engines if one.host != HostFacts()), otherwise)


def as_record(base: Base) -> dict[str, object]:
    """A base as a head has it."""
    return {
        "name": base.name,
        "ref": base.image.ref,
        "digest": base.digest,
        "glibc": base.glibc,
        "go": base.go,
        "origin": base.origin,
    }


def load(trials: Sequence[Trial], engines: Mapping[str, Engine], say: Say) -> None:
    """Bring every image into its engine, into several engines at the same time."""
    wanted: dict[str, dict[ImageArchive, None]] = {}
    for trial in trials:
        if trial.skip is None:
            here = wanted.setdefault(trial.cell.engine, {})
            here |= {image: None for image in trial.built_from.images if image.path is not None}
    names = [name for name, images in wanted.items() if images]
    if not names:
        return
    say(f"loading the bases into {', '.join(names)}")
    with ThreadPoolExecutor() as pool:
        for loading in [pool.submit(_bring, engines[name], wanted[name]) for name in names]:
            loading.result()


def _bring(engine: Engine, images: Iterable[ImageArchive]) -> None:
    for image in images:
        with suppress(SourceError):  # the trials that need the image will say so
            engine.ensure(image)
