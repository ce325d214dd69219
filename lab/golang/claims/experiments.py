"""Which experiment a claim asks for, and its settings as that experiment takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.golang.bench import (
    build,
    delay_injection,
    distribute,
    fs,
    kernel,
    links,
    overlay,
    recompile,
    resolution,
    sandbox,
    stages,
    startup,
    switching,
)
from lab.golang.bench.journal import Take, anew
from lab.golang.bench.outcome import Outcome
from lab.golang.bench.sandbox import Say
from lab.golang.claims import container
from lab.golang.claims.settings import Settings, Value
from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.host import temporary
from lab.host.disk import disk
from lab.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where experiments are made: the installed versions, and the folder for records.

    ``keep`` is a folder for what an experiment leaves beside its outcome, if that is wanted;
    ``take`` is what its samples go through (lab.golang.bench.journal).
    """

    home: Home
    results: Path
    say: Say
    keep: Path | None = None
    take: Take = anew

    def go(self, version: str) -> Path:
        """The GOROOT of a version, installed if need be."""
        return homes.install(self.home, version, say=self.say)


def run(name: str, settings: Mapping[str, Value], ground: Ground) -> Outcome:
    """Make an experiment. Raises InputError for one that the lab has not, LabError if it fails."""
    if name not in EXPERIMENTS:
        raise InputError(
            f"there is no experiment {name!r}", remedy=f"one of {', '.join(sorted(EXPERIMENTS))}"
        )
    return EXPERIMENTS[name](Settings(name, settings), ground)


def alone(
    name: str, settings: Mapping[str, Value], *, home: Home, keep: Path | None, say: Say
) -> Outcome:
    """Make one experiment by itself: nothing of it is kept but what goes into ``keep``."""
    if keep is not None:
        with disk(keep):
            keep.mkdir(parents=True, exist_ok=True)
        keep = keep.absolute()
    with temporary.folder("bench") as results:
        return run(name, settings, Ground(home=home, results=results, say=say, keep=keep))


def _build(settings: Settings, ground: Ground) -> Outcome:
    states = [
        build.State(gocache=gocache, pages=pages)
        for gocache in settings.warmths("gocache")
        for pages in settings.warmths("pages")
    ]
    return build.measure(
        ground.go(settings.text("go")),
        layouts=settings.words("layouts"),
        project=_project(settings),
        rounds=settings.number("rounds"),
        states=states,
        where=settings.words("where"),
        take=ground.take,
        say=ground.say,
    )


def _truth(settings: Settings, ground: Ground) -> Outcome:
    return delay_injection.measure(
        ground.go(settings.text("go")),
        project=_project(settings),
        delay_ms=settings.number("delay ms"),
        rounds=settings.number("rounds"),
        take=ground.take,
        say=ground.say,
    )


def _project(settings: Settings) -> build.Project:
    return build.Project(
        packages=settings.number("packages"),
        lines=settings.number("lines"),
        depth=settings.number("depth"),
        command=settings.text("command"),
        flags=settings.words("flags"),
    )


def _fs(settings: Settings, ground: Ground) -> Outcome:
    options = {
        kind: fs.Disk(
            options=settings.text(f"{kind} options"),
            device=settings.text(f"{kind} device"),
        )
        for kind in ("ext4", "xfs", "btrfs")
    }
    return fs.measure(
        ground.go(settings.text("go")),
        kinds=settings.words("kinds"),
        rounds=settings.number("rounds"),
        files=settings.number("files"),
        disks=options,
        fio=settings.yes("fio"),
        take=ground.take,
        say=ground.say,
    )


def _links(settings: Settings, ground: Ground) -> Outcome:
    return links.measure(
        ground.go(settings.text("go")),
        rounds=settings.number("rounds"),
        files=settings.number("files"),
        listing=settings.yes("listing"),
        take=ground.take,
        say=ground.say,
    )


def _pair(settings: Settings, ground: Ground) -> tuple[Path, Path]:
    versions = settings.words("go")
    return ground.go(versions[0]), ground.go(versions[1])


def _switch(settings: Settings, ground: Ground) -> Outcome:
    one, other = _pair(settings, ground)
    with sandbox.opened(ground.say) as box:
        own = Home(box.folder / "goroots")  # the user's own choice of a version stays as it is
        with own.locked("install"):
            for tree in (one, other):
                sandbox.fill(tree, own.tree(tree.name))
        return switching.under_builds(
            own,
            (one.name, other.name),
            folder=box.folder,
            switches=settings.number("switches"),
            builders=settings.number("builders"),
        )


def _container(settings: Settings, ground: Ground) -> Outcome:
    return container.measure(
        settings.text("go"),
        engine=settings.text("engine"),
        layouts=settings.words("layouts"),
        rounds=settings.number("rounds"),
        size=(
            settings.number("packages"),
            settings.number("lines"),
            settings.number("depth"),
        ),
        results=ground.results,
        say=ground.say,
    )


EXPERIMENTS: Mapping[str, Callable[[Settings, Ground], Outcome]] = {
    "goroot": _build,
    "truth": _truth,
    "stages": lambda settings, ground: stages.measure(
        ground.go(settings.text("go")),
        project=_project(settings),
        rounds=settings.number("rounds"),
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
        *_pair(settings, ground), rounds=settings.number("rounds"), say=ground.say
    ),
    "startup": lambda settings, ground: startup.measure(
        ground.go(settings.text("go")),
        rounds=settings.number("rounds"),
        take=ground.take,
        say=ground.say,
    ),
    "distribute": lambda settings, ground: distribute.measure(
        ground.home,
        ground.go(settings.text("go")).name,
        rounds=settings.number("rounds"),
        take=ground.take,
        say=ground.say,
    ),
    "kernel": lambda settings, ground: kernel.measure(
        names=settings.words("kernels"), say=ground.say
    ),
}
