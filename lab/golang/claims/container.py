"""A container build with GOROOT where the base has it and elsewhere, through the lab's own runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.golang.bench.outcome import Fact, Outcome, Series, Unit
from lab.golang.bench.sandbox import Say
from lab.host import facts
from lab.model.errors import EngineUnavailable, MissingPrerequisite
from lab.model.record import Build, ScenarioText
from lab.results import runs
from lab.runner import runner, session
from lab.runner.options import Options
from lab.scenario import loader, plan

_TEXT = """\
name: claim-container
engines: [{engine}]
bases: [bookworm]
toolchains: ["{version}"]
layouts: [{layouts}]
workload: {{packages: {packages}, lines: {lines}, depth: {depth}, seed: 1}}
phases: [cold, rebuild]
rounds: {rounds}
seed: 7
"""


_UNITS: Mapping[str, Unit] = {
    "wall": "s",
    "cpu": "s",
    "peak memory": "bytes",
    "steps": "count",
    "steps run": "count",
    "layers": "count",
}


class _Quiet:
    """Watches a run without a word."""

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """Nothing is shown."""

    def see(self, event: runner.RunEvent) -> None:
        """Nothing is shown."""

    def open(self, comparisons: Sequence[str]) -> None:
        """Nothing is shown."""


def measure(
    version: str,
    *,
    engine: str,
    layouts: Sequence[str],
    rounds: int,
    size: tuple[int, int, int],
    results: Path,
    say: Say,
) -> Outcome:
    """Series "<layout>/<phase>/<metric>"; ``size`` is packages, lines and depth.

    The facts say which layouts' images have more layers than the first one's.
    """
    packages, lines, depth = size
    text = _TEXT.format(
        engine=engine,
        version=version,
        layouts=", ".join(layouts),
        packages=packages,
        lines=lines,
        depth=depth,
        rounds=rounds,
    )
    settings = {"engine": engine, "layouts": list(layouts), "rounds": rounds, "go": version}
    scenario = loader.parse(text, None)
    try:
        stored = session.run(
            scenario,
            Options(results=results, private=True),
            say=say,
            watcher=_Quiet(),
            resumed=_begun(results, scenario.as_run),
        )
    except (EngineUnavailable, MissingPrerequisite) as lack:
        missing = dict.fromkeys(layouts, lack.message.splitlines()[0])
        return Outcome(experiment="container", settings=settings, missing=missing)
    samples: dict[str, list[float]] = defaultdict(list)
    missing = {}
    for build in stored.builds:
        layout = build.cell["layout"]
        if build.status != "ok":
            missing[layout] = build.reason or f"its build ended as {build.status}"
            continue
        for metric, value in figures(build).items():
            samples[f"{layout}/{build.phase}/{metric}"].append(value)
    return Outcome(
        experiment="container",
        settings=settings,
        series={
            name: Series(samples=tuple(found), unit=_UNITS[name.rsplit("/", 1)[1]])
            for name, found in sorted(samples.items())
        },
        facts=_more_layers(layouts, samples),
        missing=missing,
        notes=(f"records: {stored.folder}",),
    )


def _begun(results: Path, scenario: ScenarioText) -> runs.StoredRun | None:
    """A run of the same on this host that was ended early: its builds need not be made again."""
    for name in reversed(runs.runs(results)):
        if (found := runs.readable(results / name)) is None:
            continue
        here = facts.facts(results)
        same = (found.run.host.kernel, found.run.host.cpu_model) == (here.kernel, here.cpu_model)
        if same and found.run.scenario == scenario and found.run.status == "partial":
            return found
    return None


def figures(build: Build) -> Mapping[str, float]:
    """What is known of one build, by metric: time, steps, layers, and what the engine used."""
    found = {
        "wall": build.wall_s,
        "cpu": build.cpu_s,
        "peak memory": build.peak_memory_bytes,
        "steps": len(build.steps),
        "steps run": sum(step.outcome == "miss" for step in build.steps),
        "layers": build.image.layers if build.image else None,
    }
    return {metric: float(value) for metric, value in found.items() if value is not None}


def _more_layers(
    layouts: Sequence[str], samples: Mapping[str, Sequence[float]]
) -> Mapping[str, Fact]:
    counts = {layout: samples.get(f"{layout}/cold/layers") for layout in layouts}
    first = counts[layouts[0]]
    return {
        f"{layout} has more layers than {layouts[0]}": max(found) > max(first)
        for layout, found in counts.items()
        if found and first and layout != layouts[0]
    }
