"""Checks of a scenario's values: limits that nothing can keep, files that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.dockerfile import stand_ins
from lab.images.sources.types import BaseSource, ToolchainSource
from lab.scenario import own_project
from lab.scenario.axes import FILE_KINDS
from lab.scenario.file_schema import ScenarioFile
from lab.scenario.finding import Finding
from lab.scenario.model import Bound, Own, Scenario
from lab.scenario.yaml_source import Location


def findings(scenario: Scenario, parsed: ScenarioFile) -> Iterator[Finding]:
    """Every mistake that shows only once the fields have their values."""
    yield from _crossed(scenario)
    yield from _absent(scenario, parsed)


def _crossed(scenario: Scenario) -> Iterator[Finding]:
    """Limits that nothing can keep."""
    for index, one in enumerate(scenario.expect):
        for key in ("hit_rate", "median_wall", "time_saved"):
            bound: Bound | None = getattr(one, key)
            ends = (bound.at_least, bound.at_most) if bound else (None, None)
            if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
                yield Finding(
                    location=("expect", index, key),
                    found="at_least above at_most",
                    expected="limits that a figure can lie between",
                )


def _absent(scenario: Scenario, parsed: ScenarioFile) -> Iterator[Finding]:
    """Files and folders that the scenario names and that are not there."""
    named: dict[str, Sequence[BaseSource | ToolchainSource]] = {
        "bases": scenario.bases,
        "toolchains": scenario.toolchains,
    }
    for field, sources in named.items():
        for index, source in enumerate(sources):
            if source.kind in FILE_KINDS and not Path(source.value).exists():
                yield Finding(
                    location=(field, index, source.kind),
                    found=f"{source.value}, which is not there",
                    expected="a file" if source.kind == "archive" else "a tar file or a folder",
                )
    work = scenario.workload
    if isinstance(work, Own):
        if not work.context.is_dir():
            yield Finding(
                location=("workload", "context"),
                found=f"{work.context}, which is no folder",
                expected="the folder that is sent to the builder",
            )
        elif not (work.context / work.dockerfile).is_file():
            key = "dockerfile" if parsed.workload.dockerfile else "context"
            yield Finding(
                location=("workload", key),
                found=f"no {work.dockerfile} in {work.context}",
                expected="the Dockerfile's path inside the context",
            )
        else:
            yield from _undeclared(scenario, work)


def _undeclared(scenario: Scenario, work: Own) -> Iterator[Finding]:
    """Axes that the Dockerfile takes no notice of, whose cells would all be the same, and images
    that it does not name.
    """
    file = own_project.read(work.context, work.dockerfile, work.build_args)
    if file is None:
        return  # the engine says what is wrong with it
    wanted: list[tuple[Location, str]] = [(("axes", name), name) for name in scenario.own_axes]
    if scenario.bases:
        wanted.append((("bases",), own_project.BASE))
    declared = own_project.declared(file)
    for location, name in wanted:
        if name not in declared:
            yield Finding(
                location=location,
                found=f"{work.dockerfile} without ARG {name}",
                expected=f"{own_project.use(name)} in it: {location[0]} come to it as build "
                "arguments",
                at_key=True,
            )
    known = stand_ins.named(file)
    for ref in work.images:
        if ref not in known:
            yield Finding(
                location=("workload", "images", ref),
                found=f"{ref!r}, which {work.dockerfile} does not name",
                expected=own_project.named_in(known),
                at_key=True,
            )
