"""What rewrites work on: a Dockerfile with its context, and what of its stages the image holds.

A rewrite must not change what the image holds: this says what is known of places, and None where
nothing is. Pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lab.caching.advise.shell_commands import Command, below_cd
from lab.dockerfile.cachekey.builder import ignored
from lab.dockerfile.cachekey.sources import operands
from lab.dockerfile.cachekey.variables import assignments, expand
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import Dockerfile, DockerfileError, Instruction
from lab.dockerfile.parser import parse
from lab.model.errors import InputError

# They act on what comes after them, not on files.
# VOLUME is none: what steps below it write there, some builders throw away.
QUIET = frozenset({"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL"})
# Folders that packages and users write to: a copy there is not apart from them.
_SHARED = tuple(
    f"/{name}"
    for name in ("etc", "usr", "var", "lib", "lib32", "lib64", "bin", "sbin", "root", "home", "dev",
                 "proc", "sys", "run", "tmp", "boot", "opt", "srv")
)  # fmt: skip

# Where applications lie by custom: of Debian 12's packages none holds a file below /opt, /srv,
# /home or /var/www, and of the 89 folders that they have below /usr/src none has one of
# these names. But some make folders when they are set up (/srv/tftp), and other archives'
# packages use /opt.
_OWN = re.compile(r"/(?:opt|srv|home|usr/src|var/www)/[^/]+")
_APPLICATION = re.compile(
    r"/(?:opt|srv|usr/src)/(?:app|application|api|build|code|project|server|service|site|src|web|work)"
    r"(?:/|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfileView:
    """A build's inputs, read."""

    given: Inputs
    parsed: Dockerfile
    ignore: str
    target: int
    in_image: frozenset[int]

    @property
    def context(self) -> Context:
        """What is sent."""
        return self.given.context

    @classmethod
    def of(cls, given: Inputs) -> DockerfileView:
        """Raises InputError where there is no Dockerfile in the text, or no such target."""
        try:
            parsed = parse(given.dockerfile, given.build_args)
            target = parsed.target(given.target)
        except DockerfileError as error:
            raise InputError(
                f"{given.dockerfile_path}: {error}", remedy="correct the Dockerfile, or the target"
            ) from error
        held = [target]
        while (parent := parsed.stages[held[-1]].parent) is not None:
            held.append(parent)
        return cls(
            given=given,
            parsed=parsed,
            ignore=ignored(given.context) or "",
            target=target,
            in_image=frozenset(held),
        )

    def over(self, text: str) -> DockerfileView:
        """The same over another text."""
        return DockerfileView.of(replace(self.given, dockerfile=text))

    def steps(self, stage: int) -> list[Instruction]:
        """A stage's instructions."""
        return [self.parsed.instructions[index] for index in self.parsed.stages[stage].instructions]

    def below(self, one: Instruction) -> list[Instruction]:
        """What stands below an instruction in its stage."""
        return [other for other in self.steps(one.stage or 0) if other.index > one.index]

    def inherited(self, one: Instruction) -> Iterator[Instruction]:
        """What stands above an instruction, in its stage and those that it is built FROM."""
        stage = one.stage
        while stage is not None:
            yield from (other for other in reversed(self.steps(stage)) if other.index < one.index)
            stage = self.parsed.stages[stage].parent

    def environment(self, one: Instruction) -> Mapping[str, str]:
        """The ENV that the Dockerfile puts in force at an instruction; the base's is not known."""
        found: dict[str, str] = {}
        for other in reversed(list(self.inherited(one))):
            if other.keyword == "ENV":
                found |= {
                    name: expand(value or "", found) for name, value in assignments(other.operands)
                }
        return found

    def variables(self, one: Instruction) -> Iterator[tuple[str, str]]:
        """Every ENV and ARG above an instruction, as it was written."""
        for other in self.inherited(one):
            if other.keyword in {"ENV", "ARG"}:
                for name, text in assignments(other.operands, bare=other.keyword == "ARG"):
                    yield name, text or ""

    def named(self, text: str, place: str | None) -> set[str]:
        """Entries of the context that a text names, as they lie below a place that holds it."""
        names: set[str] = set()
        inside = f"{(place or '').rstrip('/')}/"
        for part in filter(None, re.split(r"[\s=:,;]+", text)):
            names |= {part, part.partition(inside)[2]} if place is not None else {part}
            names |= {part[2:]} if re.match(r"-\w", part) else set()  # -Iinclude
        return {posixpath.normpath(name) for name in names if name} & set(self.context.entries)

    def workdir(self, one: Instruction) -> str | None:
        """The folder that relative paths start from; None: as the base has it."""
        parts: list[str] = []
        for other in self.inherited(one):
            if other.keyword == "WORKDIR":
                parts.insert(0, expand(other.operands, self.environment(other)))
                if parts[0].startswith("/"):
                    return None if "$" in other.operands else posixpath.join(*parts)
        return None

    def folder(self, run: Instruction) -> str | None:
        """The folder that a RUN's commands run in, behind a `cd` at its start; None: not known."""
        found, start = below_cd(run), self.workdir(run)
        moved = "" if found is None else found[0]
        if moved.startswith("/") or start is not None:
            return posixpath.normpath(posixpath.join(start or "/", moved))
        return None

    def commands(self, run: Instruction) -> list[Command] | None:
        """The commands of a RUN that run in its `folder`; None where only a shell could tell."""
        found = below_cd(run)
        return None if found is None else found[1]

    def place(self, copy: Instruction) -> str | None:
        """Where a COPY or ADD writes to, from the root; None: not known."""
        words = operands(copy)
        if len(words) < 2 or "$" in words[-1]:
            return None
        if words[-1].startswith("/"):
            return posixpath.normpath(words[-1])
        folder = self.workdir(copy)
        return None if folder is None else posixpath.normpath(posixpath.join(folder, words[-1]))

    def apart(self, copy: Instruction) -> bool | None:
        """Whether a COPY writes to a folder that no package and no user's home shares; None: it
        lies below one that they share, and is its own by all that is usual.
        """
        place = self.place(copy)
        if place is None or place == "/":
            return False
        if not any(f"{place}/".startswith(f"{shared}/") for shared in _SHARED):
            return True
        if _APPLICATION.match(place):
            return True
        return None if _OWN.match(place) else False

    def leaves(self, stage: int) -> list[str] | None:
        """Paths of a stage that others take with COPY --from; None: it can be all of them."""
        found: list[str] = []
        for one in self.parsed.instructions:
            if one.keyword == "FROM" and self.parsed.stages[one.stage or 0].parent == stage:
                return None
            if stage not in self.parsed.sources(one):
                continue
            if one.keyword == "RUN" or "$" in one.operands:
                return None
            found += [posixpath.normpath(f"/{word.lstrip('/')}") for word in operands(one)[:-1]]
        return None if any(char in path for path in found for char in "*?[") else found

    def taken(self, stage: int, place: str) -> bool:
        """Whether something at a place of a stage may come into the image or into another stage."""
        leaves = self.leaves(stage)
        if stage in self.in_image or leaves is None:
            return True
        place = place.rstrip("/")
        return any(
            f"{leaf.rstrip('/')}/".startswith(f"{place}/")
            or f"{place}/".startswith(f"{leaf.rstrip('/')}/")
            for leaf in leaves
        )

    def plain(self, one: Instruction) -> bool:
        """Whether an instruction copies from the context what lies there, and as it lies there."""
        flags = all(name in {"chown", "chmod", "link"} for name, _ in one.flags)
        return one.keyword == "COPY" and flags and not one.heredocs

    def whole(self, one: Instruction) -> bool:
        """Whether an instruction copies the whole context, by plain means."""
        sources = operands(one)[:-1]
        return (
            self.plain(one)
            and bool(sources)
            and not re.search(r"\s|[\"']", operands(one)[-1])
            and all(source in {".", "./"} for source in sources)
        )

    def copy_above(self, run: Instruction) -> Instruction | None:
        """The first COPY above a RUN of which it need not know, with no other RUN between.

        A WORKDIR may stand between: `folder` and `place` count it in.
        """
        found = None
        for other in reversed([one for one in self.steps(run.stage or 0) if one.index < run.index]):
            if other.keyword in {"COPY", "ADD"}:
                found = other
            elif other.keyword not in QUIET | {"WORKDIR"}:
                break
        return found

    def text(self, path: str) -> str | None:
        """A file of the context as text; None where it is none."""
        entry = self.context.entries.get(path)
        if entry is None or entry.kind != "file":
            return None
        return self.context.read(path).decode("utf-8", errors="replace")
