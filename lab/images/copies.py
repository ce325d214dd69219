"""COPY --from between stages of different bases: what cannot run where it lands, before any build.

A file that the source stage's base brings is read and given to the target's loader. What a stage
builds itself is judged by how it is linked: since glibc 2.34 every program that is linked against
glibc needs GLIBC_2.34 (__libc_start_main got a new version:
https://sourceware.org/glibc/wiki/Release/2.34), so that it runs on nothing older.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lab import elf
from lab.dockerfile import Dockerfile, Instruction, Stage
from lab.images.elves import Elves, File, elves
from lab.images.finding import Finding
from lab.images.loader import Loader
from lab.images.opened import Opened

_STATIC = re.compile(r"CGO_ENABLED[= ]['\"]?0|(?<!\S)-static\b|-extldflags[= ]\S*-static|musl")
_BUILDS = re.compile(r"\b(go (?:build|install)|gcc|g\+\+|cc|clang|make|cargo|ld)\b")
_START = (2, 34)
_SUITES = {"bullseye": "bullseye", "bookworm": "bookworm", "trixie": "trixie", "sid": "sid"}
_NUMBERS = {"11": "bullseye", "12": "bookworm", "13": "trixie"}

BaseOf = Callable[[str], Opened | None]


def suite_of(reference: str) -> str | None:
    """The Debian suite of a reference: ``debian:12-slim``, ``golang:1.22-bookworm``."""
    name, _, tag = reference.partition("@")[0].rpartition(":")
    words = re.split(r"[-_.]", tag)
    known = next((_SUITES[word] for word in words if word in _SUITES), None)
    if known is None and name.rpartition("/")[2] == "debian":
        return _NUMBERS.get(words[0])
    return known


def findings(dockerfile: Dockerfile, base_of: BaseOf, *, place: str) -> tuple[Finding, ...]:
    """What the copies of a Dockerfile cannot do. ``base_of`` opens the image of a FROM."""
    found: list[Finding] = []
    for step in dockerfile.instructions:
        ref = step.flag("from")
        if step.keyword != "COPY" or ref is None or step.stage is None:
            continue
        target = _base(dockerfile, step.stage, base_of)
        sources = dockerfile.sources(step)
        if not sources or target is None:
            continue
        origin = _base(dockerfile, sources[0], base_of)
        if origin is None or origin.name == target.name:
            continue
        stage = dockerfile.stages[sources[0]]
        copy = _Copy(step=step, stage=stage, dockerfile=dockerfile, place=place)
        found += copy.findings(origin, target)
    return tuple(found)


def _base(dockerfile: Dockerfile, index: int, base_of: BaseOf) -> Opened | None:
    stage = dockerfile.stages[index]
    while stage.parent is not None:
        stage = dockerfile.stages[stage.parent]
    return base_of(dockerfile.expand(stage.base))


class _Copy:
    """One COPY --from."""

    def __init__(
        self, *, step: Instruction, stage: Stage, dockerfile: Dockerfile, place: str
    ) -> None:
        self._step, self._stage, self._dockerfile, self._place = step, stage, dockerfile, place

    def findings(self, origin: Opened, target: Opened) -> Iterator[Finding]:
        *paths, to = _operands(self._step.operands)
        there = elves(target.contents)
        for path in paths:
            brought = _below(origin, path)
            if brought:
                yield from self._read(brought, there, path, to, target)
            else:
                yield from self._built(path, origin, target)

    def _read(
        self, brought: Sequence[File], there: Elves, path: str, to: str, target: Opened
    ) -> Iterator[Finding]:
        """Files that the source's base brings, as the target's loader would find them."""
        moved = [replace(one, path=_landed(one.path, path, to)) for one in brought]
        both = Elves(
            files={**there.files, **{one.path: one for one in moved}}, hidden=(), damaged=()
        )
        loader = Loader(target.contents, both, glibc=target.contents.glibc())
        for one in moved:
            for said in loader.program(one) if one.facts.program else ():
                yield replace(
                    said,
                    rule=f"copy-{said.rule}",
                    message=f"{said.place} copied from stage {self._stage.name} cannot run on "
                    f"{target.name}: {said.message}",
                    place=self._place,
                    line=self._step.line,
                )

    def _built(self, path: str, origin: Opened, target: Opened) -> Iterator[Finding]:
        """What the source stage builds, judged by how it links."""
        steps = [self._dockerfile.instructions[number] for number in self._stage.instructions]
        text = "\n".join(f"{one.text}\n" + "\n".join(one.heredocs) for one in steps)
        if not _BUILDS.search(text) or _STATIC.search(text):
            return
        new, old = origin.contents.glibc(), target.contents.glibc()
        if new is None or (old is not None and elf.ordered(new) <= elf.ordered(old)):
            return
        on = f"glibc {old}" if old else "no glibc"
        sure = old is None or elf.ordered(old) < _START <= elf.ordered(new)
        needs = "needs at least GLIBC_2.34 (__libc_start_main)" if sure else f"may need up to {new}"
        yield Finding(
            rule="copy-newer-glibc",
            level="error" if sure else "warning",
            place=self._place,
            line=self._step.line,
            message=f"{path} is linked in stage {self._stage.name} against glibc {new}; "
            f"{target.name} has {on}: a dynamic program {needs}",
            remedy=f"build on {target.name}, link statically (CGO_ENABLED=0), or take "
            f"{origin.name} as the last stage's base",
        )


def _operands(text: str) -> list[str]:
    if text.startswith("["):
        return [part.strip().strip('"') for part in text.strip("[]").split(",")]
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _below(image: Opened, path: str) -> list[File]:
    """The ELF files at a path of an image, or below it where it is a folder."""
    real = image.contents.real(path.rstrip("/") or "/")
    if real is None:
        return []
    found = elves(image.contents).files
    return [file for name, file in found.items() if name == real or name.startswith(f"{real}/")]


def _landed(name: str, path: str, to: str) -> str:
    """Where a file of a COPY comes to lie."""
    inner = name.removeprefix(path.strip("/")).lstrip("/")
    if inner and inner != name:
        return posixpath.join(to.strip("/"), inner)
    return (
        posixpath.join(to.strip("/"), posixpath.basename(name))
        if to.endswith("/")
        else to.strip("/")
    )
