"""Dockerfiles read as every builder reads them: stages, instructions, and what needs what.

Source of the syntax: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

KEYWORDS = frozenset(
    ["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
     "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"]
)  # fmt: skip
FILE_SYSTEM = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})

_DIRECTIVE = re.compile(r"^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
# BuildKit (frontend/dockerfile/parser) looks for one in whole words alone, quotes and all.
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+""")
_HEREDOC = re.compile(r"""\d*<<(-?)(['"]?)([^<'"]+)\2""")
_FLAG = re.compile(r"^--([a-z][a-z-]*)(?:=(\S*))?\s*")
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
    are its first and last line, here-documents included.
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
    """A parsed Dockerfile."""

    text: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    syntax: str | None = None
    escape: str = "\\"
    arguments: Mapping[str, str] = field(default_factory=dict)

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
            for number in stage.instructions:
                next_ones.extend(self.sources(self.instructions[number]))
            wanted.extend(other for other in next_ones if other not in wanted)
        return frozenset(wanted)

    def depends_on(self, instruction: Instruction) -> tuple[int, ...]:
        """Indexes of the instructions that must be done before this one can start."""
        if instruction.stage is None:
            return ()
        stage = self.stages[instruction.stage]
        before = [self.stages[source].instructions[-1] for source in self.sources(instruction)]
        place = stage.instructions.index(instruction.index)
        if place > 0:
            before.append(stage.instructions[place - 1])
        elif stage.parent is not None:
            before.append(self.stages[stage.parent].instructions[-1])
        return tuple(before)

    def expand(self, text: str) -> str:
        """Variables replaced by the defaults of the ARGs before the first FROM, where known."""

        def value(match: re.Match[str]) -> str:
            name, operator, other = match[1] or match[2], match[3], match[4]
            known = self.arguments.get(name)
            if operator and operator.endswith("-"):
                return known or other
            return match[0] if known is None else known

        return _VARIABLE.sub(value, text)

    def _stage(self, ref: str, before: int) -> int | None:
        ref = ref.lower()
        for stage in reversed(self.stages[:before]):
            if stage.named and stage.name == ref:
                return stage.index
        return int(ref) if ref.isdecimal() and int(ref) < before else None


def parse(text: str, build_args: Mapping[str, str] | None = None) -> Dockerfile:
    """Read a Dockerfile. Raises DockerfileError with the line of the first mistake.

    ``build_args`` override the defaults of the ARGs before the first FROM.
    """
    lines = [line.rstrip("\r\n") for line in lines_of(text.removeprefix("\ufeff"))]
    directives, start = _directives(lines)
    escape = directives.get("escape", "\\")
    instructions = tuple(_instructions(lines, start, escape))
    if not instructions:
        raise DockerfileError("there is no instruction in it", 1)
    unlinked = Dockerfile(
        text=text,
        instructions=instructions,
        stages=(),
        syntax=directives.get("syntax"),
        escape=escape,
        arguments=_arguments(instructions, build_args or {}),
    )
    return replace(unlinked, stages=_stages(unlinked))


def _arguments(
    instructions: Sequence[Instruction], build_args: Mapping[str, str]
) -> dict[str, str]:
    """The ARGs before the first FROM, with their values."""
    found: dict[str, str] = {}
    for instruction in instructions:
        if instruction.stage is not None:
            break
        if instruction.keyword != "ARG":
            raise DockerfileError(
                f"{instruction.keyword} stands before the first FROM", instruction.line
            )
        name, _, default = instruction.operands.partition("=")
        value = build_args.get(name.strip(), default.strip().strip("'\""))
        if value:
            found[name.strip()] = value
    return found


def lines_of(text: str) -> list[str]:
    """A text's lines, each with its end, parted as builders part them: at line feeds alone."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _directives(lines: list[str]) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _DIRECTIVE.match(line.strip())
        if match is None or match[1].lower() in found:
            return found, number
        found[match[1].lower()] = match[2]
    return found, len(lines)


def _instructions(lines: list[str], start: int, escape: str) -> Iterator[Instruction]:
    stage: int | None = None
    index, number = 0, start
    while number < len(lines):
        first = number
        if _blank(lines[number]):
            number += 1
            continue
        text, number = _joined(lines, number, escape)
        keyword, rest = (*text.split(None, 1), "")[:2]
        keyword, rest = keyword.upper(), rest.strip()
        if keyword not in KEYWORDS:
            raise DockerfileError(f"unknown instruction: {keyword}", first + 1)
        if not rest:
            raise DockerfileError(f"{keyword} needs an operand", first + 1)
        heredocs = []
        for dash, name in _heredocs(rest) if keyword in {"RUN", "COPY", "ADD"} else ():
            body, number = _heredoc(lines, number, name, dash=bool(dash), line=first + 1)
            heredocs.append(body)
        flags, operands = _flags(rest)
        if keyword == "FROM":
            stage = 0 if stage is None else stage + 1
        yield Instruction(
            index=index,
            stage=stage,
            keyword=keyword,
            text=f"{keyword} {rest}",
            line=first + 1,
            end=number,
            flags=flags,
            operands=operands,
            heredocs=tuple(heredocs),
        )
        index += 1


def _blank(line: str) -> bool:
    """Whether a line is empty or a comment: builders drop such ones inside a continuation too."""
    return not line.strip() or line.lstrip().startswith("#")


def _joined(lines: list[str], number: int, escape: str) -> tuple[str, int]:
    """An instruction's lines on one, and the number of the line after them."""
    parts: list[str] = []
    while number < len(lines):
        line = lines[number]
        number += 1
        if parts and _blank(line):
            continue
        body = line.rstrip()
        if not body.endswith(escape):
            parts.append(body.strip())
            break
        parts.append(body[: -len(escape)].strip())
    return " ".join(part for part in parts if part), number


def _heredoc(lines: list[str], number: int, name: str, *, dash: bool, line: int) -> tuple[str, int]:
    """A here-document's text, and the number of the line after its end."""
    for end in range(number, len(lines)):
        if (lines[end].lstrip("\t") if dash else lines[end]) == name:
            return "\n".join(lines[number:end]), end + 1
    raise DockerfileError(f"the here-document {name} has no end", line)


def _heredocs(rest: str) -> list[tuple[str, str]]:
    """Of each here-document the dash, where it has one, and the line that ends it."""
    words = map(_HEREDOC.fullmatch, _WORD.findall(rest))
    return [(match[1], match[3]) for match in words if match is not None]


def _flags(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags = []
    while match := _FLAG.match(rest):
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :]
    return tuple(flags), rest


def _stages(unlinked: Dockerfile) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for instruction in unlinked.instructions:
        if instruction.keyword != "FROM":
            continue
        words = instruction.operands.split()
        named = len(words) == 3 and words[1].upper() == "AS"
        if len(words) != 1 and not named:
            raise DockerfileError("FROM takes IMAGE or IMAGE AS NAME", instruction.line)
        base = unlinked.expand(words[0])
        parent = next(
            (s.index for s in reversed(stages) if s.named and s.name == base.lower()), None
        )
        stages.append(
            Stage(
                index=len(stages),
                name=words[2].lower() if named else f"stage-{len(stages)}",
                named=named,
                base=base,
                parent=parent,
                instructions=tuple(
                    other.index for other in unlinked.instructions if other.stage == len(stages)
                ),
            )
        )
    if not stages:
        raise DockerfileError("there is no FROM in it", unlinked.instructions[-1].line)
    return tuple(stages)
