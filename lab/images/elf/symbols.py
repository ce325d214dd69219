"""The symbols that a library gives to others, with their versions, out of its section headers.

Sources: the gABI's symbol table (https://gabi.xinuos.com/elf/05-symtab.html) and the GNU symbol
versions of the LSB (https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from elftools.elf.elffile import ELFFile

from lab.images.elf.facts import NotElf
from lab.images.elf.reader import DAMAGE

_DYNSYM, _VERSYM, _VERDEF = "SHT_DYNSYM", "SHT_GNU_versym", "SHT_GNU_verdef"
_GIVEN = {1, 2, 10}  # global, weak, and GNU's unique
_FUNCTION = {2, 10}  # STT_FUNC and GNU's indirect function
_ABSOLUTE, _HIDDEN, _BASE = 0xFFF1, 0x8000, 1
_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol. ``version`` is empty where it has none, ``function`` whether it is called."""

    name: str
    version: str
    address: int
    size: int
    function: bool

    @property
    def words(self) -> str:
        """``clone3@GLIBC_2.34``."""
        return f"{self.name}@{self.version}" if self.version else self.name


def given(stream: IO[bytes]) -> tuple[Symbol, ...] | None:
    """What a library gives; None where it has no section headers to tell.

    Raises NotElf where it is damaged.
    """
    try:
        return _given(ELFFile(stream))
    except NotElf:
        raise
    except DAMAGE as error:
        raise NotElf(f"damaged: {error}") from error


def _given(elf: ELFFile) -> tuple[Symbol, ...] | None:
    sections = {one["sh_type"]: (number, one) for number, one in enumerate(elf.iter_sections())}
    if _DYNSYM not in sections:
        return None
    _, table = sections[_DYNSYM]
    names = _bytes(elf.get_section(table["sh_link"]))
    versions: tuple[int, ...] = ()
    order = "<" if elf.little_endian else ">"
    if _VERSYM in sections:
        raw = _bytes(sections[_VERSYM][1])
        versions = struct.unpack(f"{order}{len(raw) // 2}H", raw[: len(raw) // 2 * 2])
    known = _defined(elf, sections, order) if _VERDEF in sections else {}
    return tuple(_symbols(elf, _bytes(table), names, versions, known))


def _symbols(
    elf: ELFFile,
    raw: bytes,
    names: bytes,
    versions: tuple[int, ...],
    known: Mapping[int, str],
) -> Iterator[Symbol]:
    order, wide = ("<" if elf.little_endian else ">"), elf.elfclass == 64
    form = struct.Struct(f"{order}IBBHQQ" if wide else f"{order}IIIBBH")
    whole = len(raw) // form.size * form.size
    for number, fields in enumerate(form.iter_unpack(raw[:whole])):
        if wide:
            at, info, _, section, address, size = fields
        else:
            at, address, size, info, _, section = fields
        if section == 0 or info >> 4 not in _GIVEN or not at:
            continue
        name = names[at : names.find(b"\0", at)].decode("utf-8", "backslashreplace")
        index = versions[number] & ~_HIDDEN if number < len(versions) else _BASE
        if index == 0:
            continue  # local to the library
        version = known.get(index, "") if index > _BASE else ""
        if section == _ABSOLUTE and name == version:
            continue  # the version's own name
        yield Symbol(name, version, address, size, info & 0xF in _FUNCTION)


def _defined(elf: ELFFile, sections: Mapping[str, Any], order: str) -> dict[int, str]:
    """The names of the version definitions by their index."""
    _, table = sections[_VERDEF]
    raw, names = _bytes(table), _bytes(elf.get_section(table["sh_link"]))
    found: dict[int, str] = {}
    at = 0
    for _ in range(min(table["sh_info"], len(raw) // 20)):
        _, _, index, count, _, first, following = struct.unpack_from(f"{order}HHHHIII", raw, at)
        if count:
            (name,) = struct.unpack_from(f"{order}I", raw, at + first)
            found[index] = names[name : names.find(b"\0", name)].decode("utf-8", "backslashreplace")
        at += following
    return found


def _bytes(section: Any) -> bytes:
    if section["sh_size"] > _MAX_BYTES:
        raise NotElf(f"damaged: a section claims {section['sh_size']} bytes")
    return bytes(section.data())
