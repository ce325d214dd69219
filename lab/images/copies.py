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

from lab.dockerfile.go_patterns import source_regex
from lab.dockerfile.model import Dockerfile, Instruction
from lab.images import elf
from lab.images.elves import Elves, File, elves
from lab.images.loader import Loader
from lab.images.opened import Opened
from lab.model.finding import Finding

_STATIC = re.compile(r"CGO_ENABLED[= ]['\"]?0|(?<!\S)-static\b|-extldflags[= ]\S*-static|musl")
_BUILDS = re.compile(r"\b(go (?:build|install)|gcc|g\+\+|cc|clang|make|cargo|ld)\b")
_START = (2, 34)
_EACH = 8  # files that are named one by one; of more the first and their count
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
        if target is None:
            continue
        sources = dockerfile.sources(step)
        if sources:
            stage = dockerfile.stages[sources[0]]
            origin, where = _base(dockerfile, sources[0], base_of), f"stage {stage.name}"
            steps = [dockerfile.instructions[number] for number in stage.instructions]
        else:  # an image by its name
            origin, where, steps = base_of(dockerfile.expand(ref)), dockerfile.expand(ref), []
        if origin is None or origin.name == target.name:
            continue
        found += _Copy(step=step, steps=steps, where=where, place=place).findings(origin, target)
    return tuple(found)


def _base(dockerfile: Dockerfile, index: int, base_of: BaseOf) -> Opened | None:
    stage = dockerfile.stages[index]
    while stage.parent is not None:
        stage = dockerfile.stages[stage.parent]
    return base_of(dockerfile.expand(stage.base))


class _Copy:
    """One COPY --from."""

    def __init__(
        self, *, step: Instruction, steps: Sequence[Instruction], where: str, place: str
    ) -> None:
        self._step, self._steps, self._where, self._place = step, steps, where, place

    def findings(self, origin: Opened, target: Opened) -> Iterator[Finding]:
        *paths, to = _operands(self._step.operands)
        there = elves(target.contents)
        for path in paths:
            brought = _brought(origin, path, to)
            if brought:
                yield from self._read(brought, there, to, target)
            elif not _holds(origin, path):
                yield from self._built(path, origin, target)

    def _read(
        self, moved: Sequence[File], there: Elves, to: str, target: Opened
    ) -> Iterator[Finding]:
        """Files that the source's base brings, as the target's loader would find them."""
        files = {**there.files, **{one.path: one for one in moved}}
        both = Elves(files=files, hidden=(), damaged=())
        loader = Loader(target.contents, both, glibc=target.contents.glibc())
        failing: list[tuple[File, list[Finding]]] = []
        for one in moved:
            said = list(loader.program(one) if one.facts.program else loader.library(one))
            if said:
                failing.append((one, said))
        for one, said in failing[: _EACH if len(failing) <= _EACH else 1]:
            runs = one.facts.program
            more = ""
            if len(failing) > _EACH:
                more = f"; so with {len(failing) - 1} more of the {len(moved)} that land in {to}"
            why = "; ".join(dict.fromkeys(each.message for each in said))
            yield replace(
                said[0],
                rule=f"copy-{said[0].rule}",
                level="error" if runs else "warning",
                message=f"/{one.path} copied from {self._where} cannot be "
                f"{'run' if runs else 'loaded'} on {target.name}: {why}{more}",
                place=self._place,
                line=self._step.line,
            )

    def _built(self, path: str, origin: Opened, target: Opened) -> Iterator[Finding]:
        """What the source stage builds, judged by how it links."""
        text = "\n".join(f"{one.text}\n" + "\n".join(one.heredocs) for one in self._steps)
        verbs = {match[1].split()[0] for match in _BUILDS.finditer(text)}
        if not verbs or _STATIC.search(text):
            return
        new, old = origin.contents.glibc(), target.contents.glibc()
        if new is None or (old is not None and elf.ordered(new) <= elf.ordered(old)):
            return
        on = f"glibc {old}" if old else "no glibc"
        crosses = old is None or elf.ordered(old) < _START <= elf.ordered(new)
        needs = (
            "needs its loader and C library"
            if old is None
            else "needs at least GLIBC_2.34 (__libc_start_main)"
            if crosses
            else f"may need up to {new}"
        )
        # What Go links alone is static; with cgo (net and os/user use it) it is not.
        go = verbs == {"go"}
        kind = "a dynamic program" if not go else "with cgo (net, os/user) it is dynamic, and that"
        sure = crosses and not go
        yield Finding(
            rule="copy-newer-glibc",
            level="error" if sure else "warning",
            place=self._place,
            line=self._step.line,
            message=f"{path} is linked in {self._where} against glibc {new}; "
            f"{target.name} has {on}: {kind} {needs}",
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


def _brought(image: Opened, path: str, to: str) -> list[File]:
    """The ELF files at a path of an image, below it or matching it, each where it ends up."""
    found = elves(image.contents).files
    name = path.strip("/")
    if any(sign in name for sign in "*?["):
        folder = to if to.endswith("/") else f"{to}/"
        return [
            replace(file, path=posixpath.join(folder.strip("/"), posixpath.basename(one)))
            for one, file in found.items()
            if re.fullmatch(source_regex(name), one, re.DOTALL)
        ]
    real = image.contents.real(path.rstrip("/") or "/")
    if real is None:
        return []
    if real in found:  # under the name by which it was asked for, whatever links lead to it
        whole = posixpath.join(to, posixpath.basename(name)) if to.endswith("/") else to
        return [replace(found[real], path=whole.strip("/"))]
    below = f"{real}/" if real else ""
    return [
        replace(file, path=posixpath.join(to, one.removeprefix(below)).strip("/"))
        for one, file in found.items()
        if one.startswith(below)
    ]


def _holds(image: Opened, path: str) -> bool:
    """Whether a base has a path itself: then no stage built it."""
    real = image.contents.real(path)
    if not real:
        return real is not None
    nodes = image.contents.nodes
    return real in nodes or any(one.startswith(f"{real}/") for one in nodes)
