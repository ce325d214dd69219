"""A Dockerfile as values: stages, instructions, and what needs what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})")


class DockerfileError(ValueError):
    """The text is not a Dockerfile. ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction. ``stage`` is None for an ARG before the first FROM.

    ``text`` is the instruction on one line, continuations joined by a space, its keyword in upper
    case. ``flags`` are its leading ``--name=value`` options in their order. ``line`` and ``end``
    are its first and last line, here-documents included. ``forms`` has of each here-document "-"
    where tabs before its lines do not count, and a quote where its variables stay as they are.
    """

    index: int
    stage: int | None
    keyword: str
    text: str
    line: int
    end: int
    flags: tuple[tuple[str, str], ...] = ()
    operands: str = ""
    heredocs: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    def flag(self, name: str) -> str | None:
        """The value of the first flag of this name."""
        return next((value for key, value in self.flags if key == name), None)

    @property
    def mounts(self) -> tuple[Mapping[str, str], ...]:
        """The ``--mount`` options of a RUN as mappings; the default type is bind."""
        found = []
        for name, value in self.flags:
            if name == "mount":
                pairs = (part.partition("=") for part in value.split(",") if part)
                found.append({"type": "bind"} | {key: val for key, _, val in pairs})
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A build stage. ``name`` is its AS name in lower case, or ``stage-N``.

    ``parent`` is the index of the stage that it is built FROM, None where that is an image.
    """

    index: int
    name: str
    named: bool
    base: str
    parent: int | None
    instructions: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A parsed Dockerfile.

    ``triggers`` are, by stage, what the ONBUILDs of the stage that it is FROM bring: they come
    right after its FROM, as instructions of it, with indexes that no other instruction has.
    """

    text: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    syntax: str | None = None
    escape: str = "\\"
    arguments: Mapping[str, str] = field(default_factory=dict)
    triggers: Mapping[int, tuple[Instruction, ...]] = field(default_factory=dict)

    def stage_name(self, instruction: Instruction) -> str:
        """The name of the instruction's stage; empty for an ARG before the first FROM."""
        return "" if instruction.stage is None else self.stages[instruction.stage].name

    def target(self, name: str | None) -> int:
        """The index of the stage named ``name`` or numbered so; the last stage for None."""
        if name is None:
            return len(self.stages) - 1
        found = self._stage(name, len(self.stages))
        if found is None:
            raise DockerfileError(f"no stage is named {name!r}", self.instructions[-1].line)
        return found

    def sources(self, instruction: Instruction) -> tuple[int, ...]:
        """The stages that an instruction reads from, besides the step before it."""
        refs = [value for name, value in instruction.flags if name == "from"]
        refs += [mount["from"] for mount in instruction.mounts if "from" in mount]
        found = (self._stage(ref, instruction.stage or 0) for ref in refs)
        return tuple(dict.fromkeys(stage for stage in found if stage is not None))

    def needed(self, target: str | None = None) -> frozenset[int]:
        """The stages without which the target cannot be built, itself among them."""
        wanted = [self.target(target)]
        for index in wanted:
            stage = self.stages[index]
            next_ones = [] if stage.parent is None else [stage.parent]
            own = [self.instructions[number] for number in stage.instructions]
            for instruction in (*own, *self.triggers.get(index, ())):
                next_ones.extend(self.sources(instruction))
            wanted.extend(other for other in next_ones if other not in wanted)
        return frozenset(wanted)

    def depends_on(self, instruction: Instruction) -> tuple[int, ...]:
        """Indexes of the instructions that must be done before this one can start."""
        if instruction.stage is None:
            return ()
        stage = self.stages[instruction.stage]
        # A stage of a file that is known by a log alone may have no instruction that was named.
        sources = (self.stages[source].instructions for source in self.sources(instruction))
        before = [inside[-1] for inside in sources if inside]
        place = stage.instructions.index(instruction.index)
        if place > 0:
            before.append(stage.instructions[place - 1])
        elif stage.parent is not None:
            before += self.stages[stage.parent].instructions[-1:]
        return tuple(before)

    def expand(self, text: str) -> str:
        """Variables replaced by the defaults of the ARGs before the first FROM, where known."""
        return expand(text, self.arguments)

    def _stage(self, ref: str, before: int) -> int | None:
        ref = ref.lower()
        for stage in reversed(self.stages[:before]):
            if stage.named and stage.name == ref:
                return stage.index
        return int(ref) if ref.isdecimal() and int(ref) < before else None


def expand(text: str, values: Mapping[str, str]) -> str:
    """Variables replaced by their values; one that has none, and no default there, is left."""

    def value(match: re.Match[str]) -> str:
        name, operator, other = match[1] or match[2], match[3] or "", match[4]
        known = values.get(name)
        if operator.endswith("-"):
            return known or other
        if operator.endswith("+"):
            return other if known else ""
        return match[0] if known is None else known

    return _VARIABLE.sub(value, text)
