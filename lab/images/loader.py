"""What the dynamic loader would say of every program of an image, said without running one.

The search follows ld.so(8): DT_RPATH, DT_RUNPATH, the folders of /etc/ld.so.conf, the standard
folders. LD_LIBRARY_PATH is taken from the image's own settings.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from lab.images import elf
from lab.images.elves import Elves, File
from lab.images.sources.contents import Contents
from lab.model.finding import Finding, Level

_MULTIARCH = {
    "x86_64": "x86_64-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "386": "i386-linux-gnu",
    "arm": "arm-linux-gnueabihf",
}
_MAX_CONF = 200
# musl's loader is these libraries, whatever their numbers, and never looks for a file of them
# (load_library in https://git.musl-libc.org/cgit/musl/tree/ldso/dynlink.c).
_MUSL = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\..*")
_RELR_GLIBC = (2, 36)  # https://sourceware.org/glibc/wiki/Release/2.36: DT_RELR is understood


class Loader:
    """The loader of one image. ``glibc`` is the version that its C library states."""

    def __init__(
        self, held: Contents, found: Elves, *, glibc: str | None, library_path: Sequence[str] = ()
    ) -> None:
        self._held, self._files, self._glibc = held, found.files, glibc
        self._configured = tuple(_configured(held))
        self._library_path = tuple(library_path)
        self._real: dict[str, File | None] = {}

    def findings(self) -> tuple[Finding, ...]:
        """Every program that cannot be started and every library that cannot be loaded, once."""
        seen: dict[tuple[str, str, str], Finding] = {}
        loaded: set[str] = set()
        for file in self._files.values():
            if file.facts.program and file.mode & 0o111:
                for one in self.program(file, loaded):
                    seen.setdefault((one.rule, one.place, one.message), one)
        for file in self._files.values():
            if file.facts.kind == "shared" and not file.facts.program and file.path not in loaded:
                for one in self._links(file, file, "warning"):
                    seen.setdefault((one.rule, one.place, one.message), one)
        return tuple(seen.values())

    def program(self, file: File, loaded: set[str] | None = None) -> Iterator[Finding]:
        """Why a program could not be started; nothing where it could."""
        loaded = set() if loaded is None else loaded
        interpreter = file.facts.interpreter
        if interpreter is not None and self._at(interpreter) is None:
            yield Finding(
                rule="missing-interpreter",
                level="error",
                place=f"/{file.path}",
                message=f"needs the loader {interpreter}, which the image does not have: it "
                "fails with 'no such file or directory'",
                remedy="build it static, or on a base with the same C library",
            )
            return
        chain = [file]
        names = {file.path}
        for one in chain:
            yield from self._links(file, one, "error")
            for library in one.facts.needed:
                there = self._library(library, one, file)
                if there is not None and there.path not in names:
                    names.add(there.path)
                    chain.append(there)
        loaded |= names

    def library(self, file: File) -> Iterator[Finding]:
        """Why a library could not be loaded by a program that finds it; nothing where it could."""
        yield from self._links(file, file, "warning")

    def _links(self, program: File, file: File, level: Level) -> Iterator[Finding]:
        """What one file of a program's chain lacks."""
        by = "" if file is program else f" (needed by /{file.path})"
        for library in file.facts.needed:
            if self._library(library, file, program) is None:
                yield Finding(
                    rule="missing-library",
                    level=level,
                    place=f"/{program.path}",
                    message=f"{library} is nowhere in the image{by}",
                    remedy="install the package that has it, or copy it too",
                )
        for version in file.facts.versions:
            there = self._library(version.library, file, program)
            if there is None or version.weak or not there.facts.defined:
                continue  # reported above; and without any versions the loader only warns
            if version.name not in there.facts.defined:
                yield Finding(
                    rule="missing-version",
                    level=level,
                    place=f"/{program.path}",
                    message=f"/{there.path}: version `{version.name}' not found{by}",
                    remedy=self._remedy(version.name),
                )
        glibc = self._glibc
        # What is static, and the loader itself, applies its own.
        own = file.facts.static or not file.facts.needed
        if file.facts.relr and not own and glibc is not None and elf.ordered(glibc) < _RELR_GLIBC:
            yield Finding(
                rule="relr",
                level=level,
                place=f"/{program.path}",
                message=f"has RELR relocations, which glibc {glibc} does not apply{by}: it "
                "crashes when it starts",
                remedy="link it without -z pack-relative-relocs, or take a base of glibc 2.36",
            )

    def _remedy(self, name: str) -> str:
        wanted = elf.released(name)
        if wanted is None or wanted[0] != "GLIBC":
            return "build it on the base that it runs on"
        return (
            f"build it on a base of glibc {self._glibc or 'that it runs on'}, or take a base "
            f"of glibc {wanted[1]} or later"
        )

    def _library(self, name: str, file: File, program: File) -> File | None:
        if "/" in name:
            return self._at(name)
        if "/ld-musl-" in (program.facts.interpreter or "") and _MUSL.fullmatch(name):
            return self._at(program.facts.interpreter or "")
        for folder in self._folders(file, program):
            there = self._at(f"{folder}/{name}")
            if there is not None and (there.facts.machine, there.facts.bits) == (
                file.facts.machine,
                file.facts.bits,
            ):
                return there
        return None

    def _folders(self, file: File, program: File) -> Iterator[str]:
        # DT_RPATH of the program holds for all that it loads, DT_RUNPATH for its own needs alone.
        inherited = program.facts.path if program.facts.rpath_only else ()
        for one, owner in (
            *((path, file) for path in file.facts.path),
            *((path, program) for path in inherited),
        ):
            yield _expanded(one, owner)
        yield from self._library_path
        yield from self._configured
        triplet = _MULTIARCH.get(file.facts.machine, file.facts.machine)
        wide = "lib64" if file.facts.bits == 64 else "lib32"
        yield from (f"lib/{triplet}", f"usr/lib/{triplet}", wide, f"usr/{wide}")
        yield from ("lib", "usr/lib", "usr/local/lib")

    def _at(self, path: str) -> File | None:
        if path not in self._real:
            real = self._held.real(path)
            self._real[path] = None if real is None else self._files.get(real)
        return self._real[path]


def _expanded(path: str, file: File) -> str:
    origin = "/" + posixpath.dirname(file.path)
    triplet = _MULTIARCH.get(file.facts.machine, file.facts.machine)
    values: Mapping[str, str] = {"ORIGIN": origin, "LIB": f"lib/{triplet}", "PLATFORM": "x86_64"}
    for name, value in values.items():
        path = path.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return path


def _configured(held: Contents) -> Iterator[str]:
    """The folders of ld.so.conf, its includes followed one level as ldconfig writes them."""
    texts = [held.read("etc/ld.so.conf")]
    for count, text in enumerate(texts):
        for line in (text or b"").decode(errors="replace").splitlines():
            words = line.partition("#")[0].split()
            if words[:1] == ["include"] and count == 0:
                for pattern in words[1:]:
                    known = sorted(fnmatch.filter(held.nodes, pattern.lstrip("/")))
                    texts += [held.read(name) for name in known[:_MAX_CONF]]
            elif words and words[0] != "include":
                yield words[0].lstrip("/")
