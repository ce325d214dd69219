"""`go build` of one project with GOROOT in different places, on this host, without a container."""

from __future__ import annotations

import random
import resource
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from lab.dockerfile import generated_project
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.golang.bench import programs, runc_exec, sandbox, trees
from lab.golang.bench.journal import Found, Take, anew
from lab.golang.bench.outcome import Fact, Outcome, Series, Unit
from lab.golang.bench.rounds import rounds as in_turn
from lab.golang.bench.sandbox import Sandbox, Say
from lab.host import facts as host
from lab.host.process import Argument, Done, run
from lab.model.errors import BuildsFailed, InputError, MissingPrerequisite

Warmth = Literal["warm", "cold"]
_UNITS: Mapping[str, Unit] = {
    "wall": "s",
    "cpu": "s",
    "read": "bytes",
    "major faults": "count",
    "minor faults": "count",
    "waits": "count",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is built, with which flags of the go command: a generated project, or with ``command`` a
    package of the toolchain's own.
    """

    packages: int = 12
    lines: int = 8000
    depth: int = 4
    seed: int = 1
    command: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a build meets: Go's build cache, and the kernel's page cache."""

    gocache: Warmth
    pages: Warmth

    @property
    def name(self) -> str:
        return f"gocache {self.gocache}, pages {self.pages}"


COLD = State(gocache="cold", pages="warm")


def measure(
    goroot: Path,
    *,
    layouts: Sequence[str],
    project: Project,
    rounds: int,
    states: Sequence[State] = (COLD,),
    where: Sequence[str] = ("host",),
    take: Take = anew,
    say: Say,
) -> Outcome:
    """Wall, CPU, block reads and faults of builds: series "<layout>/<state>/<metric>".

    ``where`` is "host", "container", or both: then the layouts in one are named "<layout> in a
    container". The container is the lab's own (lab.golang.bench.runc_exec).

    Each round builds in every layout once, in an order of its own, so that what drifts meanwhile
    meets all of them; the n-th samples of two series are a pair. The temporary folder is always
    empty. CPU and the rest are of the go command and all that it started; "waits" counts the calls
    of a compiler that was slowed down. Each build goes through ``take``.
    """
    missing = {layout: why for layout in layouts if (why := trees.lacks(layout))}
    with sandbox.opened(say) as box:
        places = {}
        for layout in layouts:
            if layout not in missing:
                say(f"putting GOROOT at {layout}")
                places[layout] = trees.plant(box, layout, goroot)
        facts: dict[str, Fact] = {
            f"{layout} is on": host.filesystem(tree.resolve()) or "unknown"
            for layout, tree in places.items()
        }
        plain = Site(box, box.folder, written(box, project), project)
        sites = _sites(plain, places, where, missing)
        samples = _rounds(sites, states, rounds, missing, take, say)
    return Outcome(
        experiment="goroot",
        settings={
            "go": goroot.name,
            "layouts": list(layouts),
            "rounds": rounds,
            "seed": programs.SEED,
            "project": asdict(project),
            "states": [state.name for state in states],
            "where": list(where),
        },
        series={
            name: Series(samples=tuple(values), unit=_UNITS[name.rsplit("/", 1)[1]])
            for name, values in sorted(samples.items())
        },
        facts=facts,
        missing=missing,
    )


@dataclass(frozen=True, slots=True)
class Site:
    """One build to do: with which GOROOT, of what, and how."""

    sandbox: Sandbox
    tree: Path
    folder: Path
    project: Project
    container: runc_exec.Container | None = None

    def forget(self) -> None:
        """Empty Go's build cache."""
        shutil.rmtree(self.sandbox.folder / "gocache", ignore_errors=True)

    def build(self, *extra: str) -> Done:
        """Build in the sandbox. The folder for temporary files is empty at each start."""
        temporary = self.sandbox.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        output = self.sandbox.folder / "app"
        what = self.project.command or generated_project.MAIN_PACKAGE
        environment = {
            **programs.OFFLINE,
            "GOCACHE": str(self.sandbox.folder / "gocache"),
            "GOTMPDIR": str(temporary),
            "TMPDIR": str(temporary),
            "CGO_ENABLED": "0",
        }
        command: list[Argument] = [self.tree / "bin/go", "build", *self.project.flags, *extra]
        command += ["-o", output, what]
        folder = self.tree / "src" if self.project.command else self.folder
        if self.container is not None:
            shared = [self.sandbox.folder, self.tree]
            command = self.container.command(command, environment, folder, shared)
        return run(command, environment=environment, folder=folder, error=BuildsFailed)


def _sites(
    plain: Site, places: Mapping[str, Path], where: Sequence[str], missing: dict[str, str]
) -> Mapping[str, Site]:
    """A site for each layout, on the host and in a container, as far as each can be."""
    if unknown := [one for one in where if one not in {"host", "container"}]:
        raise InputError(f"nothing is built in {unknown[0]!r}", remedy="where: host, container")
    sites: dict[str, Site] = {}
    if "host" in where:
        sites |= {layout: replace(plain, tree=tree) for layout, tree in places.items()}
    if "container" in where and (why := runc_exec.lacks()):
        missing |= {f"{layout} in a container": why for layout in places}
    elif "container" in where:
        container = runc_exec.container(plain.sandbox)
        sites |= {
            f"{layout} in a container": replace(plain, tree=tree, container=container)
            for layout, tree in places.items()
        }
    return sites


def _rounds(
    sites: Mapping[str, Site],
    states: Sequence[State],
    rounds: int,
    missing: dict[str, str],
    take: Take,
    say: Say,
) -> Mapping[str, list[float]]:
    """Every site and state built once a round, by the name of the series; what cannot be built is
    added to ``missing``.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    chooser = random.Random(programs.SEED)
    for number in in_turn(rounds, say):
        for name in chooser.sample(sorted(sites), len(sites)):
            for state in states:
                of = f"{name}/{state.name}"
                try:
                    found = take(f"{number + 1}/{of}", partial(_sample, sites[name], state))
                except MissingPrerequisite as lack:
                    missing[of] = lack.message
                    continue
                for metric, values in found.items():
                    samples[f"{of}/{metric}"] += values
    return samples


def _sample(site: Site, state: State) -> Found:
    """One build in a state: made first, measured then.

    Raises MissingPrerequisite where it cannot be made.
    """
    if state.gocache == "cold":
        site.forget()
    else:
        site.build()
    if state.pages == "cold":
        sandbox.drop_caches()
    else:
        for folder in (site.tree / "bin", site.tree / "pkg", site.tree / "src", site.folder):
            sandbox.read_through(folder)  # another state's build may have begun with none of it
    before = trees.calls(site.tree)
    found = {metric: [value] for metric, value in usage(site.build).items()}
    if before is not None:
        found["waits"] = [float((trees.calls(site.tree) or 0) - before)]
    return found


def usage(call: Callable[[], object]) -> Mapping[str, float]:
    """What a call took in wall time, and what its child processes took (getrusage(2))."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "read": (after.ru_inblock - before.ru_inblock) * 512.0,
        "major faults": float(after.ru_majflt - before.ru_majflt),
        "minor faults": float(after.ru_minflt - before.ru_minflt),
    }


def write_out(context: Context, folder: Path) -> Path:
    """A context's files in a folder."""
    for path, entry in context.entries.items():
        if isinstance(entry, File):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(context.read(path))
    return folder


def written(box: Sandbox, project: Project) -> Path:
    """The project's folder in the sandbox, filled unless the toolchain's own source is built."""
    folder = box.folder / "project"
    folder.mkdir()
    if not project.command:
        made = generated_project.generate(
            project.packages, project.lines, project.depth, project.seed
        )
        write_out(made, folder)
    return folder
