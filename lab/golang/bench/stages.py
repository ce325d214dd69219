"""Where one `go build` spends its time: loading, compiling and linking by package, and the log."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.golang.bench import actions, build, compiler_log, programs, sandbox
from lab.golang.bench.actions import Action
from lab.golang.bench.outcome import Fact, Outcome
from lab.golang.bench.rounds import rounds as in_turn
from lab.golang.bench.sandbox import Say
from lab.host.disk import write
from lab.model import units
from lab.model.errors import InputError

SHOWN = 12  # packages with a series of their own: those that take longest
# Of the go command's trace, the spans that are of no single package (cmd/go/internal/trace).
SPANS = ("load.PackagesAndErrors", "exec.Builder.Do")
GRAPH, TRACE, LOG = "graph.json", "trace.json", "compiler.log"


def measure(
    goroot: Path,
    *,
    project: build.Project,
    rounds: int,
    keep: Path | None = None,
    say: Say,
) -> Outcome:
    """Cold builds taken apart by Go's own accounts, and what the compiler's log costs and says.

    "compile <package>" and "link <package>" are of single actions, "compiling ..." their sums;
    "go command: <part>" comes from its trace. ``keep`` is given the last round's files.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    files: dict[str, str] = {}
    found: tuple[Action, ...] = ()
    with sandbox.opened(say) as box:
        site = build.Site(box, goroot, build.written(box, project), project)
        pattern = "all" if project.command else "./..."
        for _ in in_turn(rounds, say):
            site.forget()
            graph, trace = box.folder / GRAPH, box.folder / TRACE
            begun = time.perf_counter()
            site.build(f"-debug-actiongraph={graph}", f"-debug-trace={trace}")
            samples["wall"].append(time.perf_counter() - begun)
            files = {GRAPH: graph.read_text(), TRACE: trace.read_text()}
            found = actions.read(files[GRAPH])
            for name, took in {**parts(found), **spans(files[TRACE])}.items():
                samples[name].append(took)
            # The standard library is compiled: what is compiled now is the project, with the log.
            done = site.build(f"-debug-actiongraph={graph}", f"-gcflags={pattern}=-m=2")
            logged = sum(one.lasted_s for one in actions.read(graph.read_text()) if compiles(one))
            samples["compiling with -m=2"].append(logged)
            files[LOG] = done.err
    if keep is not None:
        for name, text in files.items():
            write(keep, name, text)
    said = compiler_log.by_kind(files[LOG].splitlines())
    facts: dict[str, Fact] = {f"compiler: {kind}": str(one) for kind, one in said.items()}
    return Outcome(
        experiment="stages",
        settings={"go": goroot.name, "rounds": rounds, "flags": list(project.flags)},
        series=programs.joined(_longest(samples)),
        facts={"critical path": chain(actions.critical_path(found))} | facts,
        notes=(f"graph, trace and log: {keep}",) if keep else (),
    )


def compiles(action: Action) -> bool:
    """Whether a compiler ran for it."""
    return action.mode == "build" and action.ran


def parts(found: Sequence[Action]) -> Mapping[str, float]:
    """Seconds of each package's compilation and link, their sums, and of the critical path."""
    took: dict[str, float] = defaultdict(float)
    for one in found:
        if compiles(one):
            took[f"compile {one.package}"] += one.lasted_s
            own = "." in one.package.split("/")[0]
            took[f"compiling {'the project' if own else 'std'}"] += one.lasted_s
        elif one.mode == "link" and one.ran:
            took[f"link {one.package}"] += one.lasted_s
    took["critical path"] = sum(one.lasted_s for one in actions.critical_path(found))
    return took


def spans(text: str) -> Mapping[str, float]:
    """Seconds of the go command's own parts, from its trace (Chrome's format): the outer spans.

    Raises InputError where the text is not a trace.
    """
    begun: dict[tuple[object, str], float] = {}
    took: dict[str, float] = defaultdict(float)
    try:
        for event in json.loads(text):
            name, phase = str(event["name"]).partition(" (")[0], event["ph"]
            if phase not in {"B", "E"} or name not in SPANS:
                continue
            if phase == "B":
                begun[event["tid"], name] = float(event["ts"])
            elif (event["tid"], name) in begun:
                lasted = float(event["ts"]) - begun.pop((event["tid"], name))
                took[f"go command: {name}"] += lasted / 1e6
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"this is not a trace of Go: {error!r}",
            remedy="name the file that `go build -debug-trace` wrote",
        ) from error
    return took


def chain(path: Sequence[Action]) -> str:
    """A critical path in words: what lasted, in its order."""
    return " > ".join(
        f"{'compile' if one.mode == 'build' else one.mode} {one.package} "
        f"{units.seconds(one.lasted_s)}"
        for one in path
        if one.lasted_s >= 0.001
    )


def _longest(samples: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """The sums first, then the packages that take longest."""
    single = [name for name in samples if name.startswith(("compile ", "link "))]
    single.sort(key=lambda name: -sum(samples[name]))
    names = [*(name for name in samples if name not in single), *single[:SHOWN]]
    return {name: samples[name] for name in names}
