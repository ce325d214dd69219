"""The facts of one ELF file, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["executable", "shared", "object", "core", "other"]
Relro = Literal["none", "partial", "full"]
Interpreter = str


class NotElf(ValueError):
    """The bytes are no whole ELF file. The message says what is wrong with them."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A symbol version that a file needs of a library: ``libc.so.6``, ``GLIBC_2.38``."""

    library: str
    name: str
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one file says of itself.

    ``kernel`` is the oldest Linux of its ABI note, ``level`` the x86-64 level (1 to 4) of its
    property note; both are None where there is no such note. ``executable_stack`` is None where
    the file has no PT_GNU_STACK: the kernel then gives an executable one on x86-64 before 5.8.
    ``path`` holds DT_RUNPATH, or DT_RPATH where that is missing, as it is written.
    """

    kind: Kind
    machine: str
    bits: int
    interpreter: Interpreter | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    rpath_only: bool = False
    versions: tuple[Version, ...] = ()
    defined: tuple[str, ...] = ()
    relr: bool = False
    level: int | None = None
    kernel: str | None = None
    static: bool = False
    pie: bool = False
    relro: Relro = "none"
    executable_stack: bool | None = None

    @property
    def program(self) -> bool:
        """Whether it is started by exec rather than loaded by another file."""
        return self.kind == "executable" or self.pie
