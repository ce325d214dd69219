"""Every image really run in a container of every engine, on this host's kernel.

What an engine does to a container is read off it, to be put on in the guests of other kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from lab.engines import open_engine
from lab.engines.protocol import Engine
from lab.images.opened import Opened
from lab.model.errors import EngineLost, EngineUnavailable, LabError
from lab.validate import kernels, probes
from lab.validate.hello_world import Linked, compiled
from lab.validate.matrix import Column
from lab.validate.probes import Contained
from lab.validate.results import HOST, Asked, Probed, Say, provide

Made = dict[tuple[str, str], Contained]
_AT_ONCE = 2


def contained(
    images: Sequence[Opened], asked: Asked, found: Probed, linked: Linked, *, say: Say
) -> Made:
    """Containers on this host, by image and confinement. What cannot be had is skipped.

    The first engine compiles with the images' Go before anything is probed: what is linked there
    goes into ``linked`` and is run in every container as well.
    """
    made: Made = {}
    with ExitStack() as stack:
        engines: dict[str, Engine] = {}
        for name in asked.engines:
            try:
                engine = open_engine(
                    name, asked.endpoints.get(name), private=asked.private, say=say
                )
            except LabError as error:
                _skip(name, asked, found, provide(error))
                continue
            stack.callback(engine.close)
            engines[name] = engine
        for engine in list(engines.values())[:1]:
            try:
                compiled(engine, images, found, linked, say=say)
            except LabError as error:
                found.notes.append(f"Go was not asked: {provide(error)}")

        def probe(name: str) -> Made | LabError:
            try:
                return _probed(engines[name], images, asked, found, linked)
            except (EngineLost, EngineUnavailable) as error:
                return error

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for name, done in zip(engines, pool.map(probe, engines), strict=True):
                if isinstance(done, LabError):
                    _skip(name, asked, found, provide(done))
                else:
                    made |= done
    for (_, label), one in made.items():
        if one.confined.profile is not None:
            found.profiles[label] = one.confined.profile
    return made


def _probed(
    engine: Engine, images: Sequence[Opened], asked: Asked, found: Probed, linked: Linked
) -> Made:
    """A container for each image and profile of one engine; one that fails hides no other."""
    made: Made = {}
    for image in images:
        for label, name, profile in asked.confinements:
            if name != engine.name:
                continue
            try:
                engine.ensure(image.archive)
                made[image.name, label] = probes.in_container(
                    engine,
                    image.archive.ref,
                    seccomp=profile,
                    programs=(*probes.of_libc(), *linked.programs),
                )
            except (EngineLost, EngineUnavailable):
                raise
            except LabError as error:
                found.failed[image.name, label] = provide(error)
    return made


def _skip(engine: str, asked: Asked, found: Probed, why: str) -> None:
    for label, name, _ in asked.confinements:
        if name == engine:
            for kernel in asked.kernels:
                found.skipped[Column(kernel, label)] = why


def confinements(
    labels: Mapping[str, str],
    made: Mapping[tuple[str, str], Contained],
    asked: Asked,
    found: Probed,
) -> Iterator[kernels.Confinement]:
    """What engines do to containers, read off one of each; ``labels`` by their short names."""
    for short, label in labels.items():
        same = {name: one for (name, of), one in made.items() if of == label}
        if not same:
            continue  # said by who could not start it
        name, (first, *others) = next(iter(same)), tuple(same.values())
        worn = first.confined
        if worn.filter is None or worn.capabilities is None:
            for kernel in asked.kernels:
                why = f"its confinement could not be read: {worn.why}"
                if kernel != HOST:
                    found.skipped.setdefault(Column(kernel, label), why)
            continue
        # A filter's bytes may be laid out anew for each container: what they answer is compared.
        if any(_words(one) != _words(first) for one in others):
            found.notes.append(
                f"{label} does not confine all images alike: guests were confined as {name} is"
            )
        yield kernels.Confinement(name=short, capabilities=worn.capabilities, filter=worn.filter)


def _words(one: Contained) -> tuple[object, ...]:
    words = {name: answer.word for name, answer in one.results.calls.items()}
    return words, one.confined.capabilities
