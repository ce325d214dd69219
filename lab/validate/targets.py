"""What `lab validate` was given: images, scenarios and Dockerfiles, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.images import copies
from lab.images.opened import Opened, empty, of_source, opened
from lab.images.sources.types import BaseSource
from lab.model.errors import InputError, SourceError
from lab.model.finding import Finding
from lab.scenario.loader import load
from lab.scenario.model import Own, Scenario

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One image to validate; ``unreadable`` says why it could not be opened, ``provide`` what to
    do to have it where it is only not here."""

    name: str
    image: Opened | None = None
    unreadable: str | None = None
    provide: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True, kw_only=True)
class Targets:
    """Everything that was named; ``kernels`` and ``engines`` are what scenarios ask for."""

    images: list[Target] = field(default_factory=list)
    kernels: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()


def targets(
    names: Sequence[str], *, say: Say, endpoints: Mapping[str, str] | None = None
) -> Targets:
    """Open what was named. A name of nothing that can be had here is SourceError, a broken image a
    Target.

    ``endpoints`` are addresses of engines by their names, for the images that these hold.
    """
    found = Targets()
    for name in names:
        path = Path(name)
        if path.suffix in {".yaml", ".yml"}:
            scenario = load(path)
            found.kernels += scenario.kernels
            found.engines += scenario.engines
            found.images += _of_scenario(scenario, say)
        elif path.is_file() and "dockerfile" in path.name.lower():
            found.images += _of_dockerfile(path, say)
        else:
            found.images.append(_one(name, say, endpoints or {}))
    return found


def _one(name: str, say: Say, endpoints: Mapping[str, str]) -> Target:
    try:
        image = opened(name, say=say, endpoints=endpoints)
    except SourceError as error:
        if not Path(name).exists():
            raise  # a mistyped name, or a suite that cannot be had: nothing was read
        return Target(name=name, unreadable=error.message)
    return Target(name=image.name, image=image)


def _of_scenario(scenario: Scenario, say: Say) -> Iterator[Target]:
    for base in scenario.bases:
        for toolchain in scenario.toolchains or (None,):
            try:
                image = of_source(base, toolchain, say=say)
            except SourceError as error:
                away = base.kind in {"image", "suite"}
                why = error.message + (f"; {error.remedy}" if error.remedy else "")
                yield Target(
                    name=base.name, unreadable=error.message, provide=why if away else None
                )
                continue
            yield Target(name=image.name, image=image, findings=_copies(scenario, base, say))


def _copies(scenario: Scenario, base: BaseSource, say: Say) -> tuple[Finding, ...]:
    """What the scenario's own Dockerfile copies between stages, built on this base."""
    work = scenario.workload
    if not isinstance(work, Own):
        return ()
    path = work.context / work.dockerfile
    named = BaseSource(kind=base.kind, value=base.value, name=base.name, sha256=base.sha256)
    file = _parsed(path, {**work.build_args, "BASE": "lab-base"})
    known = {"lab-base": of_source(named, say=say)}
    return copies.findings(file, _Bases(known, say), place=str(path))


def _of_dockerfile(path: Path, say: Say) -> Iterator[Target]:
    """The images of its stages' bases, as far as they can be had, and what is copied between."""
    file = _parsed(path, {})
    bases = _Bases({}, say)
    findings = copies.findings(file, bases, place=str(path))
    last = file.stages[-1]
    while last.parent is not None:
        last = file.stages[last.parent]
    name = file.expand(last.base)
    image = bases(name)
    if image is None or name == "scratch":
        why = f"the base {name} of its last stage is not a suite that can be had here; "
        why += _the_image_itself(name)
        if name == "scratch":
            why = "its last stage is scratch: build it, and name what came of it"
        yield Target(
            name=str(path),
            provide=why,
            findings=findings,
        )
    else:
        if name.partition(":")[0].rpartition("/")[2] != "debian":
            part = f"{image.origin}: the Debian below {name}, without what that image adds"
            image = replace(image, origin=f"{part}; {_the_image_itself(name)}")
        yield Target(name=str(path), image=image, findings=findings)


def _the_image_itself(name: str) -> str:
    """How an image of a registry is judged."""
    return f"`docker pull {name}`, then `lab validate docker:{name}` judges the image itself"


class _Bases:
    """The image of a FROM: one that is known, else the Debian suite that its tag names."""

    def __init__(self, known: dict[str, Opened], say: Say) -> None:
        self._known: dict[str, Opened | None] = dict(known)
        self._say = say

    def __call__(self, reference: str) -> Opened | None:
        if reference not in self._known:
            suite = copies.suite_of(reference)
            found = empty() if reference == "scratch" else None
            self._known[reference] = found if suite is None else opened(suite, say=self._say)
        return self._known[reference]


def _parsed(path: Path, arguments: dict[str, str]) -> Dockerfile:
    try:
        return parse(path.read_text(encoding="utf-8-sig"), arguments)
    except DockerfileError as error:
        raise InputError(f"{path}: {error}", remedy="fix the Dockerfile") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}", remedy="name a Dockerfile") from error
