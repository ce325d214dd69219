"""Which experiment a claim asks for, and its settings as that experiment takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.bench import bay as bays
from lab.bench import (
    build,
    distribute,
    fs,
    kernel,
    links,
    overlay,
    recompile,
    resolution,
    stages,
    startup,
    switching,
    truth,
)
from lab.bench.bay import Say
from lab.bench.journal import Take, anew
from lab.bench.outcome import Outcome
from lab.claims import container
from lab.claims.types import Setting
from lab.errors import InputError
from lab.goroot import home as homes
from lab.goroot.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where experiments are made: the installed versions, and the folder for records.

    ``keep`` is a folder for what an experiment leaves beside its outcome, if that is wanted;
    ``take`` is what its samples go through (lab.bench.journal).
    """

    home: Home
    results: Path
    say: Say
    keep: Path | None = None
    take: Take = anew

    def go(self, version: str) -> Path:
        """The GOROOT of a version, installed if need be."""
        return homes.install(self.home, version, say=self.say)


@dataclass(frozen=True, slots=True)
class Settings:
    """A claim's settings, each read as what it is. Raises InputError where it is not."""

    found: Mapping[str, Setting]

    def text(self, name: str, otherwise: str) -> str:
        value = self.found.get(name, otherwise)
        if isinstance(value, list):
            raise InputError(f"settings: {name} is one value, not a list")
        return value

    def number(self, name: str, otherwise: int) -> int:
        value = self.text(name, str(otherwise))
        if not value.isdecimal():
            raise InputError(f"settings: {name} is a whole number, not {value!r}")
        return int(value)

    def words(self, name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        value = self.found.get(name, list(otherwise))
        return tuple(value) if isinstance(value, list) else (value,)

    def warmths(self, name: str, otherwise: build.Warmth) -> tuple[build.Warmth, ...]:
        """One of "warm" and "cold", or both."""
        known: Mapping[str, build.Warmth] = {"warm": "warm", "cold": "cold"}
        asked = self.words(name, (otherwise,))
        if unknown := [one for one in asked if one not in known]:
            raise InputError(f"settings: {name} is warm, cold or both, not {unknown[0]!r}")
        return tuple(known[one] for one in asked)


def run(name: str, settings: Mapping[str, Setting], ground: Ground) -> Outcome:
    """Make an experiment. Raises InputError for one that the lab has not, LabError if it fails."""
    if name not in EXPERIMENTS:
        raise InputError(
            f"there is no experiment {name!r}", remedy=f"one of {', '.join(sorted(EXPERIMENTS))}"
        )
    return EXPERIMENTS[name](Settings(settings), ground)


def _build(settings: Settings, ground: Ground) -> Outcome:
    states = [
        build.State(gocache=gocache, pages=pages)
        for gocache in settings.warmths("gocache", "cold")
        for pages in settings.warmths("pages", "warm")
    ]
    return build.measure(
        ground.go(settings.text("go", "1.22.10")),
        layouts=settings.words("layouts", ("disk", "home", "shm")),
        project=_project(settings, 127, 320_000, 8),
        rounds=settings.number("rounds", 10),
        states=states,
        where=settings.words("where", ("host",)),
        take=ground.take,
        say=ground.say,
    )


def _truth(settings: Settings, ground: Ground) -> Outcome:
    return truth.measure(
        ground.go(settings.text("go", "1.22.10")),
        project=_project(settings, 3, 1200, 2),
        delay_ms=settings.number("delay ms", 300),
        rounds=settings.number("rounds", 6),
        take=ground.take,
        say=ground.say,
    )


def _project(settings: Settings, packages: int, lines: int, depth: int) -> build.Project:
    return build.Project(
        packages=settings.number("packages", packages),
        lines=settings.number("lines", lines),
        depth=settings.number("depth", depth),
        command=settings.text("command", ""),
        flags=settings.words("flags", ()),
    )


def _fs(settings: Settings, ground: Ground) -> Outcome:
    options = {
        kind: fs.Disk(
            options=settings.text(f"{kind} options", ""),
            device=settings.text(f"{kind} device", ""),
        )
        for kind in ("ext4", "xfs", "btrfs")
    }
    return fs.measure(
        ground.go(settings.text("go", "1.22.10")),
        kinds=settings.words("kinds", fs.KINDS),
        rounds=settings.number("rounds", 20),
        files=settings.number("files", 2000),
        disks=options,
        fio=settings.text("fio", "no") == "yes",
        take=ground.take,
        say=ground.say,
    )


def _links(settings: Settings, ground: Ground) -> Outcome:
    return links.measure(
        ground.go(settings.text("go", "1.22.10")),
        rounds=settings.number("rounds", 20),
        files=settings.number("files", 1000),
        listing=settings.text("listing", "yes") == "yes",
        take=ground.take,
        say=ground.say,
    )


def _pair(settings: Settings, ground: Ground) -> tuple[Path, Path]:
    versions = settings.words("go", ("1.22.10", "1.23.9"))
    if len(versions) != 2:
        raise InputError("settings: go names two versions here")
    return ground.go(versions[0]), ground.go(versions[1])


def _switch(settings: Settings, ground: Ground) -> Outcome:
    one, other = _pair(settings, ground)
    with bays.bay(ground.say) as bay:
        own = Home(bay.folder / "goroots")  # the user's own choice of a version stays as it is
        with own.locked("install"):
            for tree in (one, other):
                bays.fill(tree, own.tree(tree.name))
        return switching.under_builds(
            own,
            (one.name, other.name),
            folder=bay.folder,
            switches=settings.number("switches", 1000),
            builders=settings.number("builders", 4),
        )


def _container(settings: Settings, ground: Ground) -> Outcome:
    return container.measure(
        settings.text("go", "1.22.10"),
        engine=settings.text("engine", "docker"),
        layouts=settings.words("layouts", ("default", "override")),
        rounds=settings.number("rounds", 10),
        size=(
            settings.number("packages", 12),
            settings.number("lines", 8000),
            settings.number("depth", 4),
        ),
        results=ground.results,
        say=ground.say,
    )


EXPERIMENTS: Mapping[str, Callable[[Settings, Ground], Outcome]] = {
    "goroot": _build,
    "truth": _truth,
    "stages": lambda settings, ground: stages.measure(
        ground.go(settings.text("go", "1.22.10")),
        project=_project(settings, 12, 8000, 4),
        rounds=settings.number("rounds", 3),
        keep=ground.keep,
        say=ground.say,
    ),
    "fs": _fs,
    "links": _links,
    "switch": _switch,
    "container": _container,
    "resolution": lambda settings, ground: resolution.measure(
        *_pair(settings, ground), say=ground.say
    ),
    "recompile": lambda settings, ground: recompile.measure(
        *_pair(settings, ground), say=ground.say
    ),
    "overlay": lambda settings, ground: overlay.measure(
        *_pair(settings, ground), rounds=settings.number("rounds", 200), say=ground.say
    ),
    "startup": lambda settings, ground: startup.measure(
        ground.go(settings.text("go", "1.22.10")),
        rounds=settings.number("rounds", 20),
        take=ground.take,
        say=ground.say,
    ),
    "distribute": lambda settings, ground: distribute.measure(
        ground.home,
        ground.go(settings.text("go", "1.22.10")).name,
        rounds=settings.number("rounds", 20),
        take=ground.take,
        say=ground.say,
    ),
    "kernel": lambda settings, ground: kernel.measure(
        names=settings.words("kernels", ("6.1,secretmem.enable=1",)), say=ground.say
    ),
}
