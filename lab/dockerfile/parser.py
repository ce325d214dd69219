"""Dockerfiles read as every builder reads them: stages, instructions, and what needs what.

Source of the syntax: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lab.dockerfile import here_documents, triggers
from lab.dockerfile.flags import flags_of
from lab.dockerfile.here_documents import Start
from lab.dockerfile.model import Dockerfile, DockerfileError, Instruction, Stage, expand

KEYWORDS = frozenset(
    ["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
     "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"]
)  # fmt: skip
_DIRECTIVES = frozenset({"check", "escape", "syntax"})
FILE_SYSTEM = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})

_DIRECTIVE = re.compile(r"^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_BLANKS = re.compile(r"[\t\v\f\r ]+")
# Docker runs an empty RUN, and podman says itself that it cannot.
_ALONE = frozenset({"RUN", "CMD", "ENTRYPOINT"})


def parse(
    text: str,
    build_args: Mapping[str, str] | None = None,
    images: triggers.Triggers | None = None,
) -> Dockerfile:
    """Read a Dockerfile. Raises DockerfileError with the line of the first mistake.

    ``build_args`` override the defaults of the ARGs before the first FROM. ``images`` are the
    triggers that base images bring of themselves, as far as they are known.
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
    stages = _stages(unlinked)
    return replace(
        unlinked, stages=stages, triggers=triggers.of(instructions, stages, images or {})
    )


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
        for word in _words(instruction.operands):
            name, _, default = word.partition("=")
            value = build_args.get(name, expand(default, found))
            if value:
                found[name] = value
    return found


def _words(text: str) -> list[str]:
    """Words without their quotes; as they stand where a quote is left open."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def lines_of(text: str) -> list[str]:
    """A text's lines, each with its end, parted as builders part them: at line feeds alone."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _directives(lines: list[str]) -> tuple[dict[str, str], int]:
    """The directives at the top, and the number of the line below them. Raises DockerfileError.

    A name that no builder knows ends them, as a remark does.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _DIRECTIVE.match(line.strip())
        if match is None or (name := match[1].lower()) not in _DIRECTIVES:
            return found, number
        if name == "escape" and name in found:
            raise DockerfileError("escape stands there twice", number + 1)
        if name == "escape" and match[2] not in {"\\", "`"}:
            raise DockerfileError(f"escape={match[2]}: it can be \\ or ` alone", number + 1)
        found[name] = match[2]
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
        if not text:
            raise DockerfileError(
                "an escape character continues a line that never comes", first + 1
            )
        keyword, rest = (*_BLANKS.split(text, maxsplit=1), "")[:2]
        keyword = keyword.upper()
        if keyword not in KEYWORDS:
            raise DockerfileError(f"unknown instruction: {keyword}", first + 1)
        if not rest and keyword not in _ALONE:
            raise DockerfileError(f"{keyword} needs an operand", first + 1)
        heredocs, number = _heredocs(lines, number, here_documents.starts(keyword, rest), first + 1)
        flags, operands = flags_of(rest)
        if keyword == "FROM":
            stage = 0 if stage is None else stage + 1
        yield Instruction(
            index=index,
            stage=stage,
            keyword=keyword,
            text=f"{keyword} {rest}".strip(),
            line=first + 1,
            end=number,
            flags=flags,
            operands=operands,
            heredocs=tuple(body for _, body in heredocs),
            forms=tuple(form for form, _ in heredocs),
        )
        index += 1


def _blank(line: str) -> bool:
    """Whether a line is empty or a comment: builders drop such ones inside a continuation too."""
    return not line.strip() or line.lstrip().startswith("#")


def _joined(lines: list[str], number: int, escape: str) -> tuple[str, int]:
    """An instruction's lines on one, with one blank where blanks part them, and the number of the
    line after them.
    """
    text, parted, first = "", False, number
    while number < len(lines):
        line = lines[number]
        number += 1
        if number - first > 1 and _blank(line):
            continue
        body = line.rstrip()
        goes_on = continues(body, escape)
        piece = body[: -len(escape)] if goes_on else body
        parted = parted or piece[:1].isspace()
        if text and parted and piece.strip():
            text += " "
        text += piece.strip()
        parted = piece[-1:].isspace() or (parted and not piece.strip())
        if not goes_on:
            break
    return text, number


def continues(body: str, escape: str) -> bool:
    """Whether a line without the blanks at its end goes on below. Two escape characters do not:
    seen on docker 20.10.24 and 28.5.2 (podman 4.3.1 and 5.8.6 go on, and keep one of them).
    """
    return body.endswith(escape) and (body == escape or not body.endswith(escape * 2))


def _heredocs(
    lines: list[str], number: int, starts: Sequence[Start], line: int
) -> tuple[list[tuple[str, str]], int]:
    """Form and text of an instruction's here-documents, and the number of the line after them.

    One without an end whose `<<` has blanks after it is none where blanks are not allowed there:
    `$((1 << 3))` (`features.lacks` tells where they are).
    """
    found: list[tuple[str, str]] = []
    for start in starts:
        tabs = "\t" if "-" in start.form else ""
        ends = (end for end in range(number, len(lines)) if lines[end].lstrip(tabs) == start.name)
        end = next(ends, None)
        if end is None and start.apart:
            continue
        if end is None:
            raise DockerfileError(f"the here-document {start.name} has no end", line)
        found.append((start.form, "\n".join(lines[number:end])))
        number = end + 1
    return found, number


def _stages(unlinked: Dockerfile) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for instruction in unlinked.instructions:
        if instruction.keyword != "FROM":
            continue
        words = _BLANKS.split(instruction.operands)
        named = len(words) == 3 and words[1].upper() == "AS"
        if len(words) != 1 and not named:
            raise DockerfileError("FROM takes IMAGE or IMAGE AS NAME", instruction.line)
        base = unlinked.expand(words[0]).replace('"', "").replace("'", "")
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
