"""A container build with GOROOT where the base has it and elsewhere, through the lab's own runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from lab import plan, runner, session
from lab import scenario as scenarios
from lab.bench.bay import Say
from lab.bench.outcome import Outcome, Series, Unit
from lab.errors import EngineUnavailable, HostLacks

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


class _Quiet:
    """Watches a run without a word."""

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """Nothing is shown."""

    def see(self, happening: runner.Happening) -> None:
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
    """Series "<layout>/<phase>/wall" and ".../steps run"; ``size`` is packages, lines, depth."""
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
    try:
        stored = session.run(
            scenarios.parse(text, None),
            session.Options(results=results, private=True),
            say=say,
            watcher=_Quiet(),
        )
    except (EngineUnavailable, HostLacks) as lack:
        missing = dict.fromkeys(layouts, lack.message.splitlines()[0])
        return Outcome(experiment="container", settings=settings, missing=missing)
    samples: dict[str, list[float]] = defaultdict(list)
    missing = {}
    for build in stored.builds:
        layout = build.cell["layout"]
        if build.status != "ok" or build.wall_s is None:
            missing[layout] = build.reason or f"its build ended as {build.status}"
            continue
        name = f"{layout}/{build.phase}"
        samples[f"{name}/wall"].append(build.wall_s)
        misses = sum(step.outcome == "miss" for step in build.steps)
        samples[f"{name}/steps run"].append(float(misses))
        samples[f"{name}/steps"].append(float(len(build.steps)))
    units: dict[str, Unit] = {"wall": "s", "steps run": "count", "steps": "count"}
    return Outcome(
        experiment="container",
        settings=settings,
        series={
            name: Series(samples=tuple(found), unit=units[name.rsplit("/", 1)[1]])
            for name, found in sorted(samples.items())
        },
        missing=missing,
        notes=(f"records: {stored.folder}",),
    )
