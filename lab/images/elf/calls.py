"""The system calls in a library's machine code, read and not run.

Each `syscall` instruction is looked at with what was put into the number's register before it, in
a straight line. A number that comes from elsewhere (syscall(2) itself takes it from its caller) is
counted as unread. What is in the code can be called; that it is called, only a run shows.
Numbers and names: https://github.com/torvalds/linux/blob/master/arch/x86/entry/syscalls/syscall_64.tbl
as the package system-calls holds it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from elftools.elf.elffile import ELFFile

from lab.images.elf.facts import NotElf
from lab.images.elf.reader import DAMAGE
from lab.images.elf.symbols import Symbol, given

_EXECUTABLE = 0x4
_MAX_CODE = 32 << 20
_IMMEDIATE = re.compile(r"(0x[0-9a-f]+|\d+)")
_ALIKE = 5  # so many public functions show that an inner one is handed numbers of calls
_LARGEST = 1024  # more than any table has: a constant beyond it is no number of a call
# What leaves the straight line: behind it other values may be in the registers.
_LEAVES = frozenset({"ret", "jmp", "call", "syscall", "hlt", "ud2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls by name, each with the public functions that make it (none: inner ones do).

    ``unread`` are instructions whose number is not known.
    """

    functions: Mapping[str, tuple[str, ...]]
    unread: int


def calls(stream: IO[bytes]) -> Calls | None:
    """The system calls of a library; None where it is not of x86-64.

    Raises NotElf where it is damaged.
    """
    try:
        elf = ELFFile(stream)
        if elf.header["e_machine"] != "EM_X86_64" or elf.elfclass != 64:
            return None
        code = list(_code(elf))
        public = sorted(
            (one for one in given(stream) or () if one.function), key=lambda one: one.address
        )
    except NotElf:
        raise
    except DAMAGE as error:
        raise NotElf(f"damaged: {error}") from error
    swept = _Sweep()
    for start, data in code:
        swept.over(start, data)
    around = _Public(public)
    found: dict[str, set[str]] = {}
    for address, number in (*swept.made, *_handed(swept, around)):
        if number is not None:
            found.setdefault(name_of(number), set()).update(around(address))
    return Calls(
        functions={name: tuple(sorted(names)) for name, names in sorted(found.items())},
        unread=sum(number is None for _, number in swept.made),
    )


def _handed(swept: _Sweep, around: _Public) -> Iterator[tuple[int, int]]:
    """Numbers handed to an inner function: one that public functions of those very names call."""
    for sites in swept.handed.values():
        alike = sum(name_of(number) in around(address) for address, number in sites)
        if alike >= _ALIKE:
            yield from sites


def name_of(number: int) -> str:
    """A call's name on x86-64; its number where nobody has named it yet."""
    known = _names()
    return known.get(number, f"number {number}")


@cache
def _names() -> dict[int, str]:
    import system_calls

    table = system_calls.syscalls()
    return {int(number): str(name) for name, number in table.load_arch_table("x86_64").items()}


def _code(elf: ELFFile) -> Iterator[tuple[int, bytes]]:
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & _EXECUTABLE:
            if section["sh_size"] > _MAX_CODE:
                raise NotElf(f"damaged: a section claims {section['sh_size']} bytes of code")
            yield section["sh_addr"], section.data()


class _Sweep:
    """One section's code from its start to its end, with what the registers hold."""

    def __init__(self) -> None:
        self.made: list[tuple[int, int | None]] = []
        # glibc 2.41 and later hand the number to one inner function for all calls that a thread
        # can be cancelled in: by target, the addresses and numbers that were pushed for it.
        self.handed: dict[str, list[tuple[int, int]]] = {}
        self._held: dict[str, int | None] = {}
        self._jumps: dict[int, dict[str, int | None]] = {}
        self._pushed: int | None = None

    def over(self, start: int, data: bytes) -> None:
        from capstone import CS_ARCH_X86, CS_MODE_64, Cs

        machine: Any = Cs(CS_ARCH_X86, CS_MODE_64)
        machine.skipdata = True  # tables in between are stepped over
        for address, _, name, text in machine.disasm_lite(data, start):
            if not self._held and address in self._jumps:
                self._held = self._jumps[address]
            if name == "syscall":
                self.made.append((address, self._held.get("ax")))
            elif name == "call" and self._pushed is not None:
                self.handed.setdefault(text, []).append((address, self._pushed))
            elif name == "jmp" and _IMMEDIATE.fullmatch(text):
                self._jumps[int(text, 0)] = dict(self._held)
            self._pushed = _small(text) if name == "push" else None
            if name in _LEAVES:
                self._held.clear()
            else:
                self._set(name, text)

    def _set(self, name: str, text: str) -> None:
        to, _, what = text.partition(", ")
        if (register := _register(to)) is None:
            return
        if name == "mov":
            source = _register(what)
            self._held[register] = self._held.get(source) if source else _small(what)
        elif name == "xor" and to == what:
            self._held[register] = 0
        elif name not in {"cmp", "test", "push"}:
            self._held[register] = None


def _small(text: str) -> int | None:
    """A constant that can be a call's number."""
    value = int(text, 0) if _IMMEDIATE.fullmatch(text) else _LARGEST
    return value if value < _LARGEST else None


@cache
def _register(text: str) -> str | None:
    """``eax`` and ``rax`` are ``ax``, ``r8d`` is ``r8``; None for what is no whole register."""
    if match := re.fullmatch(r"(r\d+)d?", text):
        return match[1]
    match = re.fullmatch(r"[re]([a-d]x|[sd]i|bp)", text)
    return match[1] if match else None


class _Public:
    """The public functions in whose bytes an address is."""

    def __init__(self, public: list[Symbol]) -> None:
        self._public, self._starts = public, [one.address for one in public]

    def __call__(self, address: int) -> set[str]:
        place = bisect_right(self._starts, address)
        return {
            one.name
            for one in self._public[max(0, place - 8) : place]  # a function has a few names
            if one.address <= address < one.address + one.size and not one.name.startswith("__")
        }
