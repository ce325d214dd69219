"""What is asked of images, and everything that was answered: values alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.images.goroot import Goroot
from lab.model.errors import LabError
from lab.validate.go import GoRun
from lab.validate.matrix import Column
from lab.validate.probes import BARE, ProbeResults

HOST = "host"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line and the scenarios ask for; ``profiles`` are seccomp files."""

    kernels: tuple[str, ...] = (HOST,)
    engines: tuple[str, ...] = ()
    profiles: tuple[Path, ...] = ()
    private: bool = False
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @property
    def confinements(self) -> tuple[tuple[str, str, Path | None], ...]:
        """Label, engine and profile of each confinement."""
        found: list[tuple[str, str, Path | None]] = []
        for engine in self.engines:
            found.append((engine, engine, None))
            found += [(f"{engine}:{path.stem}", engine, path) for path in self.profiles]
        return tuple(found)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Each kernel alone, then under each engine."""
        labels = (BARE, *(label for label, _, _ in self.confinements))
        return tuple(Column(kernel, label) for kernel in self.kernels for label in labels)


@dataclass(slots=True, kw_only=True)
class Probed:
    """Everything that was answered. ``skipped`` says of a column what would have to be provided,
    ``failed`` of an image and a confinement why no container of it came to a good end."""

    answers: dict[tuple[str, Column], ProbeResults] = field(default_factory=dict)
    bare: dict[tuple[str, str], ProbeResults] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[Column, str] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    emulated: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    go: dict[str, GoRun] = field(default_factory=dict)
    go_roots: dict[str, Goroot] = field(default_factory=dict)
    go_column: Column | None = None

    def skip(self, kernel: str, asked: Asked, why: str) -> None:
        """Skip all columns of a kernel."""
        for column in asked.columns:
            if column.kernel == kernel:
                self.skipped[column] = why


def provide(error: LabError) -> str:
    """What went wrong, and what would fix it."""
    return error.message + (f"; {error.remedy}" if error.remedy else "")
