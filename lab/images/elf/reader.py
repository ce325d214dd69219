"""ELF files read with pyelftools, out of any seekable stream, and never trusted.

Everything comes from the program headers, as the kernel and the loader read it: section headers
may be stripped, and a file that is in them runs all the same. Sources: the System V gABI
(https://gabi.xinuos.com/), the GNU extensions to it (https://sourceware.org/gnu-gabi/) and the
x86-64 psABI (https://gitlab.com/x86-psABIs/x86-64-ABI).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from elftools.common.exceptions import ELFError
from elftools.common.utils import parse_cstring_from_stream, struct_parse
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.notes import iter_notes

from lab.images.elf.facts import Facts, Kind, NotElf, Relro, Version

MAGIC = b"\x7fELF"
# What pyelftools raises on damaged files, by their damage.
DAMAGE = (
    ELFError,
    ConstructError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
_MAX_SEGMENTS = 4096
_MAX_TAGS = 65_536
_MAX_VERSIONS = 65_536
_MAX_NOTES = 1 << 20  # bytes of notes in one segment
_KINDS: dict[str, Kind] = {
    "ET_EXEC": "executable",
    "ET_DYN": "shared",
    "ET_REL": "object",
    "ET_CORE": "core",
}
_DF_BIND_NOW, _DF_1_NOW, _DF_1_PIE = 0x8, 0x1, 0x0800_0000
_VER_FLG_WEAK = 0x2
_PF_X = 0x1


def read(stream: IO[bytes]) -> Facts:
    """The facts of a file. Raises NotElf where it is none, and where it is damaged or cut off."""
    try:
        return _Reader(ELFFile(stream)).facts()
    except NotElf:
        raise
    except DAMAGE as error:
        said = str(error).strip().splitlines()
        raise NotElf(f"damaged: {said[0] if said else type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Note:
    """What the notes say."""

    kernel: str | None = None
    level: int | None = None


class _Reader:
    """One file that is open."""

    def __init__(self, elf: ELFFile) -> None:
        self._elf = elf
        self._stream = elf.stream
        self._segments = self._program_headers()
        self._tags = list(self._dynamic())
        # The last of a repeated tag would win in the loader too, but for those that are lists.
        self._values = dict(self._tags)

    def facts(self) -> Facts:
        header = self._elf.header
        kind = _KINDS.get(header["e_type"], "other")
        interpreter = self._interpreter()
        flags_1 = self._values.get("DT_FLAGS_1", 0)
        soname = self._string_of("DT_SONAME")
        # Linkers before binutils 2.26 left DF_1_PIE out: a program is what asks for a loader.
        old_pie = interpreter is not None and soname is None
        pie = kind == "shared" and (bool(flags_1 & _DF_1_PIE) or old_pie)
        notes = self._notes()
        runpath, rpath = self._string_of("DT_RUNPATH"), self._string_of("DT_RPATH")
        return Facts(
            kind=kind,
            machine=str(header["e_machine"]).removeprefix("EM_").lower(),
            bits=self._elf.elfclass,
            interpreter=interpreter,
            soname=soname,
            needed=tuple(self._string(at) for tag, at in self._tags if tag == "DT_NEEDED"),
            path=tuple(part for part in (runpath or rpath or "").split(":") if part),
            rpath_only=runpath is None and rpath is not None,
            versions=tuple(self._needed_versions()),
            defined=tuple(self._defined_versions()),
            relr="DT_RELR" in self._values,
            level=notes.level,
            kernel=notes.kernel,
            static=interpreter is None and (kind == "executable" or pie),
            pie=pie,
            relro=self._relro(),
            executable_stack=self._stack(),
        )

    def _program_headers(self) -> list[Any]:
        elf, size = self._elf, self._elf.stream_len
        count, at, step = elf.num_segments(), elf.header["e_phoff"], elf.header["e_phentsize"]
        if count > _MAX_SEGMENTS:
            raise NotElf(f"damaged: it claims {count} program headers")
        if count and step != elf.structs.Elf_Phdr.sizeof():
            raise NotElf(f"damaged: its program headers are {step} bytes long")
        found = [
            struct_parse(elf.structs.Elf_Phdr, self._stream, at + step * number)
            for number in range(count)
        ]
        ends = [one["p_offset"] + one["p_filesz"] for one in found if one["p_type"] != "PT_NOTE"]
        sections = elf.header["e_shoff"]
        if sections:
            ends.append(sections + elf.header["e_shnum"] * elf.header["e_shentsize"])
        if ends and max(ends) > size:
            raise NotElf(f"cut off: it is {size} bytes long and should have {max(ends)}")
        return found

    def _dynamic(self) -> Iterator[tuple[str, int]]:
        for segment in self._of("PT_DYNAMIC"):
            form = self._elf.structs.Elf_Dyn
            count = segment["p_filesz"] // form.sizeof()
            for number in range(min(count, _MAX_TAGS)):
                entry = struct_parse(
                    form, self._stream, segment["p_offset"] + number * form.sizeof()
                )
                if entry["d_tag"] == "DT_NULL":
                    break
                yield str(entry["d_tag"]), int(entry["d_val"])

    def _of(self, kind: str) -> Iterator[Any]:
        return (one for one in self._segments if one["p_type"] == kind)

    def _place(self, address: int) -> int:
        """Where in the file an address of the loaded image is."""
        for one in self._of("PT_LOAD"):
            if one["p_vaddr"] <= address < one["p_vaddr"] + one["p_filesz"]:
                return int(address - one["p_vaddr"] + one["p_offset"])
        raise NotElf(f"damaged: address {address:#x} is in no part that is loaded")

    def _string(self, index: int) -> str:
        raw = parse_cstring_from_stream(
            self._stream, self._place(self._values["DT_STRTAB"]) + index
        )
        if raw is None:
            raise NotElf("damaged: a name has no end")
        return raw.decode("utf-8", "backslashreplace")

    def _string_of(self, tag: str) -> str | None:
        return self._string(self._values[tag]) if tag in self._values else None

    def _interpreter(self) -> str | None:
        for one in self._of("PT_INTERP"):
            self._stream.seek(one["p_offset"])
            raw = self._stream.read(min(one["p_filesz"], 4096))
            return raw.split(b"\0")[0].decode("utf-8", "backslashreplace")
        return None

    def _needed_versions(self) -> Iterator[Version]:
        for library, start, count in self._chain("DT_VERNEED", "Elf_Verneed", "vn"):
            at = start
            for _ in range(count):
                one = struct_parse(self._elf.structs.Elf_Vernaux, self._stream, at)
                weak = bool(one["vna_flags"] & _VER_FLG_WEAK)
                yield Version(self._string(library), self._string(one["vna_name"]), weak)
                at += one["vna_next"]

    def _defined_versions(self) -> Iterator[str]:
        # The first version of a definition is its own name; those after it are its parents.
        for _, at, count in self._chain("DT_VERDEF", "Elf_Verdef", "vd"):
            if count:
                one = struct_parse(self._elf.structs.Elf_Verdaux, self._stream, at)
                yield self._string(one["vda_name"])

    def _chain(self, tag: str, form: str, prefix: str) -> Iterator[tuple[int, int, int]]:
        """Of each entry of a version table: its file's name, where its list begins, its length."""
        if tag not in self._values:
            return
        at, total = self._place(self._values[tag]), 0
        for _ in range(min(self._values.get(f"{tag}NUM", 0), _MAX_VERSIONS)):
            one = struct_parse(getattr(self._elf.structs, form), self._stream, at)
            total += one[f"{prefix}_cnt"]
            if total > _MAX_VERSIONS:
                raise NotElf(f"damaged: it claims more than {_MAX_VERSIONS} symbol versions")
            yield one.get("vn_file", 0), at + one[f"{prefix}_aux"], one[f"{prefix}_cnt"]
            at += one[f"{prefix}_next"]

    def _notes(self) -> _Note:
        kernel, level = None, None
        for segment in self._of("PT_NOTE"):
            size = segment["p_filesz"]
            if size > _MAX_NOTES or segment["p_offset"] + size > self._elf.stream_len:
                continue  # a core file's, or one that strip emptied: nothing loads it
            for note in iter_notes(self._elf, segment["p_offset"], size):
                if note["n_name"] != "GNU":
                    continue
                if note["n_type"] == "NT_GNU_ABI_TAG":
                    kernel = _kernel(note["n_desc"]) or kernel
                elif note["n_type"] == "NT_GNU_PROPERTY_TYPE_0":
                    level = _level(note["n_desc"]) or level
        return _Note(kernel, level)

    def _relro(self) -> Relro:
        if next(self._of("PT_GNU_RELRO"), None) is None:
            return "none"
        now = (
            "DT_BIND_NOW" in self._values
            or self._values.get("DT_FLAGS", 0) & _DF_BIND_NOW
            or self._values.get("DT_FLAGS_1", 0) & _DF_1_NOW
        )
        return "full" if now else "partial"

    def _stack(self) -> bool | None:
        for one in self._of("PT_GNU_STACK"):
            return bool(one["p_flags"] & _PF_X)
        return None


def _kernel(note: Any) -> str | None:
    if note["abi_os"] != "ELF_NOTE_OS_LINUX":
        return None
    return f"{note['abi_major']}.{note['abi_minor']}.{note['abi_tiny']}"


def _level(properties: Any) -> int | None:
    """The highest x86-64 level that a property note needs; 1 is the baseline."""
    for one in properties:
        if one["pr_type"] == "GNU_PROPERTY_X86_ISA_1_NEEDED" and one["pr_datasz"] == 4:
            return int(one["pr_data"]).bit_length() or None
    return None
