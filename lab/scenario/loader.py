"""Scenario text -> Scenario: YAML, the checks of each field, those between fields, the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from lab.dockerfile import edits
from lab.dockerfile.edits import Edit
from lab.host.controls.types import Controls
from lab.host.relay import Link
from lab.images.sources.types import BaseKind, BaseSource, ToolchainKind, ToolchainSource
from lab.model.record import Until
from lab.scenario import check_expectations, cross_checks, value_checks
from lab.scenario.axes import FILE_KINDS, axis_values, base_name, toolchain_name
from lab.scenario.cross_checks import GENERATED
from lab.scenario.file_schema import (
    BaseEntry,
    ControlsEntry,
    EditEntry,
    ExpectEntry,
    LinkEntry,
    SavingBound,
    ScenarioFile,
    ShareBound,
    ToolchainEntry,
    WorkloadEntry,
)
from lab.scenario.finding import Finding
from lab.scenario.model import (
    Bound,
    Expectation,
    Generated,
    Own,
    Scenario,
)
from lab.scenario.rounds import RoundsEntry
from lab.scenario.yaml_file import Format, YamlFile

_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEMO = Generated(**GENERATED)


def load(path: Path | str) -> Scenario:
    """Read a scenario file. Paths in it count from its folder.

    Raises InputError where it cannot be read, and with every mistake that is in it.
    """
    path = Path(path)
    return parse(FORMAT.text(path), path)


def parse(text: str, path: Path | None = None) -> Scenario:
    """Make a Scenario of its text. Raises InputError with every mistake."""
    file = FORMAT.read(text, "scenario" if path is None else path)
    scenario = _scenario(file, text, path)
    file.refuse(value_checks.findings(scenario, file.parsed))
    return scenario


def _findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    yield from cross_checks.findings(data)
    yield from check_expectations.findings(data)


FORMAT = Format(
    what="scenario",
    schema=ScenarioFile,
    findings=_findings,
    help="docs/scenarios.md has every field, `lab schema` makes editors show them",
    example="name a scenario file; those that the lab ships lie in scenarios/",
)


def _scenario(file: YamlFile[ScenarioFile], text: str, path: Path | None) -> Scenario:
    parsed = file.parsed
    folder = Path() if path is None else path.parent
    toolchains = [_toolchain(entry, folder) for entry in parsed.toolchains]
    if not toolchains and parsed.workload.context is None:
        toolchains = [ToolchainSource(kind="base", value="", name="base")]
    lines = [file.line(("expect", index)) for index in range(len(parsed.expect))]
    return Scenario(
        name=parsed.name,
        description=parsed.description.strip(),
        path=path,
        text=text,
        axes=axis_values(file.data),
        own_axes=tuple(parsed.axes),
        bases=tuple(_base(entry, folder) for entry in parsed.bases),
        toolchains=tuple(toolchains),
        workload=_workload(parsed.workload, folder),
        phases=tuple(parsed.phases),
        edits={name: tuple(map(_edit, entries)) for name, entries in parsed.edits.items()},
        kernels=tuple(parsed.kernels),
        hand_on=parsed.hand_on,
        links={entry.name: _link(entry) for entry in parsed.links},
        baseline=parsed.baseline,
        where=dict(parsed.where.items()),
        attempts=parsed.attempts,
        rounds=parsed.rounds.max,
        until=_until(parsed.rounds),
        warm_up=parsed.warm_up,
        seed=parsed.seed,
        controls=_controls(parsed.controls),
        expect=tuple(
            replace(_expectation(entry), line=line)
            for entry, line in zip(parsed.expect, lines, strict=True)
        ),
    )


def _link(entry: LinkEntry) -> Link:
    return Link(
        round_trip_s=seconds(entry.round_trip) or 0.0, down=size(entry.down), up=size(entry.up)
    )


def _until(entry: RoundsEntry) -> Until | None:
    if entry.until is None:
        return None
    margin = float(entry.until.strip("±+-% ")) / 100
    return Until(least=entry.min, margin=margin, metric=entry.metric)


def _base(entry: BaseEntry, folder: Path) -> BaseSource:
    given = entry.model_dump(exclude_none=True)
    kind: BaseKind = next(kind for kind in _BASE_KINDS if kind in given)
    value = str(folder / given[kind]) if kind in FILE_KINDS else given[kind]
    value = _from_folder(value, folder) if kind == "local" else value
    return BaseSource(kind=kind, value=value, name=base_name(given) or kind, sha256=entry.sha256)


def _toolchain(entry: ToolchainEntry, folder: Path) -> ToolchainSource:
    given = entry.model_dump(exclude_none=True)
    kind: ToolchainKind = next(kind for kind in _TOOLCHAIN_KINDS if kind in given)
    value = {"go": entry.go or "", "base": ""}.get(kind) if kind != "archive" else None
    return ToolchainSource(
        kind=kind,
        value=str(folder / given[kind]) if value is None else value,
        name=toolchain_name(given) or kind,
        sha256=entry.sha256,
    )


def _workload(entry: WorkloadEntry, folder: Path) -> Generated | Own:
    if entry.context is None:
        given = entry.model_dump(include={*GENERATED}, exclude_none=True)
        return replace(_DEMO, **given)
    return Own(
        context=folder / entry.context,
        dockerfile=entry.dockerfile or "Dockerfile",
        target=entry.target,
        build_args=entry.build_args or {},
        images={ref: _from_folder(name, folder) for ref, name in (entry.images or {}).items()},
    )


def _from_folder(name: str, folder: Path) -> str:
    """An image's name; where it is a path, one that counts from the scenario's folder."""
    there = folder / name
    return str(there) if there.exists() else name


def _edit(entry: EditEntry) -> Edit:
    ((operation, values),) = entry.model_dump(exclude_none=True).items()
    if "mode" in values:
        values["mode"] = int(values["mode"], 8)
    return _EDITS[operation](**values)


def _expectation(entry: ExpectEntry) -> Expectation:
    wall = entry.median_wall
    return Expectation(
        after=entry.after,
        where=entry.where,
        steps=entry.steps,
        outcome=entry.outcome,
        hit_rate=_bound(entry.hit_rate),
        median_wall=None
        if wall is None
        else Bound(at_least=seconds(wall.at_least), at_most=seconds(wall.at_most)),
        time_saved=_bound(entry.time_saved),
    )


def _controls(entry: ControlsEntry | None) -> Controls:
    if entry is None:
        return Controls()
    disk = entry.disk
    return Controls(
        frequency=entry.frequency,
        turbo=entry.turbo,
        cpus=entry.cpus,
        disk_read=None if disk is None else size(disk.read),
        disk_write=None if disk is None else size(disk.write),
        memory=size(entry.memory),
        memory_pressure=size(entry.memory_pressure),
        page_cache=entry.page_cache,
    )


def size(text: str | None) -> int | None:
    """``1.5MB`` -> 1500000."""
    if text is None:
        return None
    number = text.rstrip("kMGTB")
    return round(float(number) * _SIZES[text[len(number) :]])


def _bound(bound: ShareBound | SavingBound | None) -> Bound | None:
    return None if bound is None else Bound(at_least=bound.at_least, at_most=bound.at_most)


def seconds(text: str | None) -> float | None:
    """``1m30s`` -> 90.0."""
    if text is None:
        return None
    parts = re.findall(r"([0-9.]+)(ms|h|m|s)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


_BASE_KINDS: tuple[BaseKind, ...] = get_args(BaseKind)
_TOOLCHAIN_KINDS: tuple[ToolchainKind, ...] = get_args(ToolchainKind)
_EDITS: Mapping[str, Callable[..., Edit]] = {
    "replace": edits.Replace,
    "append": edits.Append,
    "write": edits.Write,
    "delete": edits.Delete,
    "touch": edits.Touch,
    "chmod": edits.Chmod,
}
