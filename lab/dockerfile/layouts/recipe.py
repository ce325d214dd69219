"""What a layout makes: a Dockerfile and how to use it. And what a layout is made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from lab.model.errors import InputError

TOOLCHAIN = "/usr/local/go"  # where the toolchain image holds Go
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._/:@-]{0,254}")
_PATH = re.compile(r"(/[a-zA-Z0-9_-][a-zA-Z0-9._-]*){2,}")
_WORD = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
_TAKEN = ("/src", "/out", "/opt/lab-toolchain", "/mnt/lab-toolchain", "/var/cache/lab-go-build")


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a scenario puts into a layout.

    ``base`` and ``toolchain`` are references of the plain base and of the base with Go in it, at
    ``source``. ``goroot`` is where the layout puts Go; empty for the layout's own choice.
    ``cache_id`` names the cache mount, where the layout has one. Raises InputError for a value
    that could be read as anything but what it stands for.
    """

    base: str
    toolchain: str
    goroot: str = ""
    cache_id: str = "default"
    go_version: str = ""
    source: str = TOOLCHAIN

    def __post_init__(self) -> None:
        _check("the base", self.base, _REFERENCE, "an image reference")
        _check("the toolchain image", self.toolchain, _REFERENCE, "an image reference")
        _check("the cache id", self.cache_id, _WORD, "letters, digits, '.', '_' and '-'")
        _check("the toolchain's place", self.source, _PATH, "an absolute path of plain names")
        if self.go_version:
            _check("the Go version", self.go_version, _WORD, "a version such as 1.22.10")
        if self.goroot:
            _check("goroot", self.goroot, _PATH, "an absolute path of two or more plain names")
            for path in _TAKEN:
                if f"{self.goroot}/".startswith(f"{path}/"):
                    raise InputError(
                        f"goroot {self.goroot!r}: the layouts use {path} for something else",
                        remedy="name another place, such as /opt/go",
                    )


def _check(what: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        raise InputError(
            f"{what} is {value!r}, which cannot stand in a Dockerfile there",
            remedy=f"expected: {expected}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What runs in the built image afterwards: a command, and tmpfs places with their bytes."""

    command: tuple[str, ...]
    tmpfs: Mapping[str, int]

    def moved(self, old: str, new: str) -> Container:
        """With the tmpfs at ``old`` moved to ``new``: what the edit "goroot" asks for."""
        return replace(
            self, tmpfs={new if at == old else at: size for at, size in self.tmpfs.items()}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A rendered layout. ``marks`` are the names that its steps, or its container, report."""

    dockerfile: str
    goroot: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    container: Container | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A way to lay out GOROOT. ``own_place`` is its GOROOT where a scenario names none."""

    name: str
    summary: str
    own_place: str
    make: Callable[[Values, str], Recipe]
    in_place: bool = False  # GOROOT may be the very folder in which the image holds Go

    def render(self, values: Values) -> Recipe:
        """The recipe for these values. Raises InputError where the layout cannot have them."""
        goroot = values.goroot or (values.source if self.in_place else self.own_place)
        inside = f"{goroot}/".startswith(f"{values.source}/")
        if inside and not (self.in_place and goroot == values.source):
            raise InputError(
                f"layout {self.name}: goroot {goroot!r} is where the toolchain image holds Go",
                remedy=f"name another place, such as {self.own_place}",
            )
        return self.make(values, goroot)
