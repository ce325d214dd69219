"""What a policy of images may say, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lab.scenario.field_types import Line, Part, Text, Words
from lab.scenario.yaml_file import Format, YamlFile

VersionText = Annotated[
    str, Text(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}", "a version such as 2.36 or 5.10")
]
SizeText = Annotated[
    str, Text(r"[0-9]{1,12}(?:\.[0-9]{1,3})? ?(?:B|kB|MB|GB|KiB|MiB|GiB)", "a size such as 120MB")
]
Where = Literal["docker", "docker-classic", "podman", "bare"]
ImagePath = Annotated[str, Text(r"/[^\x00-\x1f]{0,1000}", "a path from the image's root")]


class RunsEntry(Part):
    """Where it must run."""

    kernels_from: VersionText | None = Field(None, description="this version and later")
    kernels: list[Words] = Field(default_factory=list, description="or these, by name")
    engines: list[Where] = Field(
        default_factory=list, description="all that were tried, by default"
    )
    limits: Literal["allow", "forbid"] = Field("allow", description="may it run with limits")


class PathsEntry(Part):
    """Paths that may be."""

    allow: list[ImagePath] = Field(default_factory=list)


class VersionEntry(Part):
    """A limit of a version."""

    at_most: VersionText


class SizeEntry(Part):
    """A limit of a size."""

    at_most: SizeText


class ElfEntry(Part):
    """What every program and library must be."""

    relro: Literal["partial", "full"] | None = None
    pie: Literal["required"] | None = None
    executable_stack: Literal["forbid"] | None = None
    level_at_most: int | None = Field(None, ge=1, le=4)


class PolicyFile(Part):
    """Demands of an image; what is left out is not demanded."""

    name: Line = ""
    must_run: list[RunsEntry] = Field(default_factory=list)
    glibc: VersionEntry | None = None
    kernel: VersionEntry | None = None
    setuid: PathsEntry | None = None
    setgid: PathsEntry | None = None
    world_writable: PathsEntry | None = None
    user: Literal["not-root"] | None = None
    certificates: Literal["required", "forbid"] | None = None
    time_zones: Literal["required", "forbid"] | None = None
    dates: Literal["clamped"] | None = None
    bootstraps: Literal["identical"] | None = None
    size: SizeEntry | None = None
    wasted: SizeEntry | None = None
    elf: ElfEntry | None = None
    findings: Literal["no-errors", "none"] | None = None


FORMAT = Format(
    what="policy",
    schema=PolicyFile,
    findings=lambda _: (),
    help="docs/validate.md has every field",
    example="name a policy file; policies/images.yaml is an example",
)


def load(path: Path) -> YamlFile[PolicyFile]:
    """Read a policy. Raises InputError with every mistake and its place."""
    return FORMAT.load(path)
