"""Scenario text -> Scenario: YAML, the checks of each field, those between fields, the values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from lab.dockerfile import parser
from lab.host.controls.types import Controls
from lab.images.sources.types import BaseKind, BaseSource, ToolchainKind, ToolchainSource
from lab.scenario import check_expectations
from lab.scenario.cross_checks import (
    FILE_KINDS,
    GENERATED,
    Finding,
    axis_values,
    base_name,
    findings,
    toolchain_name,
)
from lab.scenario.error_messages import in_words, placed, shown
from lab.scenario.file_schema import (
    BaseEntry,
    ControlsEntry,
    EditEntry,
    ExpectEntry,
    SavingBound,
    ScenarioFile,
    ShareBound,
    ToolchainEntry,
    WorkloadEntry,
)
from lab.scenario.model import (
    Bound,
    Expectation,
    FileEdit,
    Generated,
    Operation,
    Own,
    Scenario,
    Until,
)
from lab.scenario.rounds import RoundsEntry
from lab.scenario.yaml_source import Document, Location, Mistake, refusal, text_of
from lab.scenario.yaml_source import read as read_yaml

REMEDY = "mend these lines; docs/scenarios.md has every field, `lab schema` makes editors show them"
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEMO = Generated(**GENERATED)


def load(path: Path | str) -> Scenario:
    """Read a scenario file. Paths in it count from its folder.

    Raises InputError where it cannot be read, and with every mistake that is in it.
    """
    path = Path(path)
    remedy = "name a scenario file; those that the lab ships lie in scenarios/"
    return parse(text_of(path, "scenario", remedy), path)


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, made from the types that check it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | (
        ScenarioFile.model_json_schema()
    )


def parse(text: str, path: Path | None = None) -> Scenario:
    """Make a Scenario of its text. Raises InputError with every mistake."""
    document = read_yaml(text)
    mistakes = list(document.mistakes)
    data = document.data
    parsed: ScenarioFile | None = None
    if isinstance(data, dict):
        mistakes += [
            placed(document, finding)
            for finding in (*findings(data), *check_expectations.findings(data))
        ]
        try:
            parsed = ScenarioFile.model_validate(data)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            told = {(one.line, one.column) for one in document.mistakes}
            found_wrong = [placed(document, in_words(detail)) for detail in wrong]
            meant = {f"the key {one.nearest}" for one in found_wrong if one.nearest}
            # What YAML could not give a value, and a key that is there with a typo, have no use
            # for a second complaint.
            mistakes += [
                one
                for one in found_wrong
                if (one.line, one.column) not in told and one.expected not in meant
            ]
    elif not mistakes:
        found = "an empty file" if data is None else f"{shown(data)} as the whole file"
        mistakes.append(Mistake(line=1, column=1, found=found, expected="a mapping of fields"))
    scenario = None
    if parsed is not None and not mistakes and isinstance(data, dict):
        scenario = _scenario(parsed, data, text, path, document)
        mistakes += [
            placed(document, finding)
            for finding in (*_crossed(scenario), *_absent(scenario, parsed))
        ]
    if scenario is None or mistakes:
        raise refusal("scenario" if path is None else path, mistakes, REMEDY)
    return scenario


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
    """Axes that the Dockerfile takes no notice of: their cells would all be the same."""
    try:
        text = (work.context / work.dockerfile).read_text(encoding="utf-8")
        steps = parser.parse(text).instructions
    except (OSError, ValueError):
        return  # the engine says what is wrong with it
    declared = {
        word.partition("=")[0]
        for step in steps
        if step.keyword == "ARG"
        for word in step.operands.split()
    }
    wanted: list[tuple[Location, str]] = [(("axes", name), name) for name in scenario.own_axes]
    if scenario.bases:
        wanted.append((("bases",), "BASE"))
    for location, name in wanted:
        if name not in declared:
            yield Finding(
                location=location,
                found=f"{work.dockerfile} without ARG {name}",
                expected=f"'ARG {name}' in it: {location[0]} come to it as build arguments",
                at_key=True,
            )


def _scenario(
    parsed: ScenarioFile, data: dict[str, Any], text: str, path: Path | None, document: Document
) -> Scenario:
    folder = Path() if path is None else path.parent
    toolchains = [_toolchain(entry, folder) for entry in parsed.toolchains]
    if not toolchains and parsed.workload.context is None:
        toolchains = [ToolchainSource(kind="base", value="", name="base")]
    lines = [document.place(("expect", index))[0] for index in range(len(parsed.expect))]
    return Scenario(
        name=parsed.name,
        description=parsed.description.strip(),
        path=path,
        text=text,
        axes=axis_values(data),
        own_axes=tuple(parsed.axes),
        bases=tuple(_base(entry, folder) for entry in parsed.bases),
        toolchains=tuple(toolchains),
        workload=_workload(parsed.workload, folder),
        phases=tuple(parsed.phases),
        edits={name: tuple(map(_edit, entries)) for name, entries in parsed.edits.items()},
        kernels=tuple(parsed.kernels),
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


def _until(entry: RoundsEntry) -> Until | None:
    if entry.until is None:
        return None
    margin = float(entry.until.strip("±+-% ")) / 100
    return Until(least=entry.min, margin=margin, metric=entry.metric)


def _base(entry: BaseEntry, folder: Path) -> BaseSource:
    given = entry.model_dump(exclude_none=True)
    kind: BaseKind = next(kind for kind in _BASE_KINDS if kind in given)
    value = str(folder / given[kind]) if kind in FILE_KINDS else given[kind]
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
    )


def _edit(entry: EditEntry) -> FileEdit:
    given = entry.model_dump(exclude_none=True)
    operation: Operation = next(name for name in _OPERATIONS if name in given)
    values = given[operation]
    return FileEdit(
        operation=operation,
        path=values["path"],
        old=values.get("old", ""),
        text=values.get("text", values.get("new", "")),
        mode=int(values["mode"], 8) if "mode" in values else None,
    )


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
_OPERATIONS: tuple[Operation, ...] = get_args(Operation)
