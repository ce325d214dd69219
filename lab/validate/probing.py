"""Kernels booted and containers started for the images: who answered what, on which column.

One boot of a kernel probes every image under every engine's confinement: what an engine does to a
container is read off a container on this host (its filter and its capabilities) and put on in the
guest. Under emulation the answers are the kernel's own; times are not, and none is kept.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import kernels, probes
from lab.engines import open_engine
from lab.engines.protocol import Engine
from lab.errors import LabError
from lab.images import goroot
from lab.images.goroot import Goroot
from lab.images.opened import Opened
from lab.kernels import roots
from lab.probes import BARE, Contained, ProbeResults
from lab.validate import containers, go
from lab.validate.go import GoRun
from lab.validate.matrix import Column

HOST = "host"
_BASE_S, _EACH_S = 60, 20  # a guest's time limit, and more of it for each root and confinement
_AT_ONCE = 2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line and the scenarios ask for; ``profiles`` are seccomp files."""

    kernels: tuple[str, ...] = (HOST,)
    engines: tuple[str, ...] = ()
    profiles: tuple[Path, ...] = ()
    private: bool = False
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @property
    def confinements(self) -> tuple[tuple[str, str, Path | None], ...]:
        """Label, engine and profile of each confinement."""
        found: list[tuple[str, str, Path | None]] = []
        for engine in self.engines:
            found.append((engine, engine, None))
            found += [(f"{engine}:{path.stem}", engine, path) for path in self.profiles]
        return tuple(found)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Each kernel alone, then under each engine."""
        labels = (BARE, *(label for label, _, _ in self.confinements))
        return tuple(Column(kernel, label) for kernel in self.kernels for label in labels)


@dataclass(slots=True, kw_only=True)
class Probed:
    """Everything that was answered. ``skipped`` says of a column what would have to be provided."""

    answers: dict[tuple[str, Column], ProbeResults] = field(default_factory=dict)
    bare: dict[tuple[str, str], ProbeResults] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[Column, str] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    emulated: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    go: dict[str, GoRun] = field(default_factory=dict)
    go_roots: dict[str, Goroot] = field(default_factory=dict)
    go_column: Column | None = None


def probe(images: Sequence[Opened], asked: Asked, *, say: Say) -> Probed:
    """Ask all columns of all images. What cannot be had is skipped; nothing raises for it."""
    found = Probed(versions={HOST: platform.release()})
    if not images:
        return found
    contained = _contained(images, asked, found, say)
    if HOST in asked.kernels:
        _on_host(images, contained, found)
    guests = [name for name in asked.kernels if name != HOST]
    if guests:
        _in_guests(guests, images, asked, contained, found, say)
    return found


def _contained(
    images: Sequence[Opened], asked: Asked, found: Probed, say: Say
) -> dict[tuple[str, str], Contained]:
    """Containers on this host, by image and confinement; on guests' account only the first's."""
    made: dict[tuple[str, str], Contained] = {}
    wanted = images if HOST in asked.kernels else images[:1]
    with ExitStack() as stack:
        for name in asked.engines:
            labels = [one for one in asked.confinements if one[1] == name]
            try:
                engine = open_engine(
                    name, asked.endpoints.get(name), private=asked.private, say=say
                )
                stack.callback(engine.close)
                for image in wanted:
                    engine.ensure(image.archive)
                    for label, _, profile in labels:
                        made[image.name, label] = probes.in_container(
                            engine,
                            image.archive.ref,
                            seccomp=profile,
                            programs=probes.of_libc(),
                        )
                if found.go_column is None:
                    _go(engine, images, found, say)
            except LabError as error:
                why = _provide(error)
                for label, _, _ in labels:
                    done = {image for image, of in made if of == label}
                    found.notes += [f"{label}: {why}"] if done else []
                    for kernel in () if done else asked.kernels:
                        found.skipped[Column(kernel, label)] = why
    for (_, label), one in made.items():
        if one.confined.profile is not None:
            found.profiles[label] = one.confined.profile
    return made


def _go(engine: Engine, images: Sequence[Opened], found: Probed, say: Say) -> None:
    """Images with Go, asked in a container once; what they link is run everywhere afterwards."""
    for image in images:
        root = goroot.goroot(image)
        if not root.found:
            continue
        say(f"compiling with the Go of {image.name}")
        done = go.ask(containers.runs_in(engine, image))
        if done is not None:
            found.go[image.name], found.go_roots[image.name] = done, root
            found.go_column = Column(HOST, engine.name)


@contextmanager
def _linked(found: Probed) -> Iterator[tuple[probes.Program, ...]]:
    """What the images' Go linked, as programs to run in guests."""
    with tempfile.TemporaryDirectory(prefix="lab-go-") as folder:
        programs = []
        for number, one in enumerate(found.go.values()):
            for name, data in ((f"go{number}", one.program), (f"cgo{number}", one.cgo)):
                if data is not None:
                    file = Path(folder) / name
                    file.write_bytes(data)
                    file.chmod(0o755)
                    programs.append(probes.Program(name=name, file=file))
        yield tuple(programs)


def _on_host(
    images: Sequence[Opened], contained: Mapping[tuple[str, str], Contained], found: Probed
) -> None:
    try:
        bare = probes.on_host()
    except LabError as error:
        found.skipped[Column(HOST)] = _provide(error)
        return
    for image in images:
        found.bare[image.name, HOST] = bare
        found.answers[image.name, Column(HOST)] = bare
    for (name, label), one in contained.items():
        found.answers[name, Column(HOST, label)] = one.results


def _in_guests(
    names: Sequence[str],
    images: Sequence[Opened],
    asked: Asked,
    contained: Mapping[tuple[str, str], Contained],
    found: Probed,
    say: Say,
) -> None:
    by_root = {f"image{number}": image for number, image in enumerate(images)}
    labels = {f"c{number}": one[0] for number, one in enumerate(asked.confinements)}
    confinements = list(_confinements(labels, contained, names, found))
    try:
        packed = {
            root: roots.of_layers([layer.path for layer in image.layers], say=say, what=image.name)
            for root, image in by_root.items()
        }
        programs = probes.of_libc()
    except LabError as error:
        _skip_all(names, asked, found, _provide(error))
        return

    def boot(name: str) -> kernels.Boot | LabError:
        try:
            kernel = kernels.resolve(name, say=say)
            found.versions[name] = kernel.version
            limit = _BASE_S + _EACH_S * len(packed) * (1 + len(confinements))
            say(f"booting kernel {name}")
            return kernels.boot(
                kernel, packed, programs=programs, confinements=confinements, timeout_s=limit
            )
        except LabError as error:
            return error

    with _linked(found) as linked, ThreadPoolExecutor(_AT_ONCE) as pool:
        programs += linked
        for name, booted in zip(names, pool.map(boot, names), strict=True):
            if isinstance(booted, LabError):
                _skip_all([name], asked, found, _provide(booted))
                continue
            if booted.emulated:
                found.emulated.add(name)
            for one in booted.results:
                if one.root not in by_root:
                    continue
                image = by_root[one.root].name
                label = labels.get(one.confinement, BARE)
                found.answers[image, Column(name, label)] = one
                if label == BARE:
                    found.bare[image, name] = one


def _confinements(
    labels: Mapping[str, str],
    contained: Mapping[tuple[str, str], Contained],
    names: Sequence[str],
    found: Probed,
) -> Iterator[kernels.Confinement]:
    """What engines do to containers, read off one container of each."""
    for short, label in labels.items():
        one = next((one for (_, of), one in contained.items() if of == label), None)
        if one is None:
            continue  # said by who could not start it
        confined = one.confined
        if confined.filter is None or confined.capabilities is None:
            for name in names:
                why = f"its confinement could not be read: {confined.why}"
                found.skipped.setdefault(Column(name, label), why)
            continue
        yield kernels.Confinement(
            name=short, capabilities=confined.capabilities, filter=confined.filter
        )


def _skip_all(names: Sequence[str], asked: Asked, found: Probed, why: str) -> None:
    for column in asked.columns:
        if column.kernel in names:
            found.skipped[column] = why


def _provide(error: LabError) -> str:
    return error.message + (f"; {error.remedy}" if error.remedy else "")
