"""A Dockerfile's lines cut and joined, whatever the rest of the file looks like. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.dockerfile import parser
from lab.dockerfile.model import Dockerfile, Instruction


def lines_of(parsed: Dockerfile) -> list[str]:
    """The lines, each with its end; a file of CRLF keeps them."""
    end = line_end(parsed.text)
    lines = parser.lines_of(parsed.text)
    return [line if line.endswith("\n") else f"{line}{end}" for line in lines]


def line_end(text: str) -> str:
    """How the file ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def moved(
    parsed: Dockerfile,
    one: Instruction,
    *,
    before: Instruction | None = None,
    after: Instruction | None = None,
) -> str:
    """The text with an instruction's lines at another place."""
    lines = lines_of(parsed)
    first, last = one.line - 1, one.end
    block = lines[first:last]
    at = len(lines)
    if before is not None:
        at = before.line - 1
    elif after is not None:
        at = after.end
    if at <= first:
        del lines[first:last]
        lines[at:at] = block
    else:
        lines[at:at] = block
        del lines[first:last]
    return "".join(lines)


def replaced(parsed: Dockerfile, changes: Sequence[tuple[Instruction, Sequence[str]]]) -> str:
    """The text with other lines in an instruction's place, for any number of them."""
    lines = lines_of(parsed)
    end = line_end(parsed.text)
    for one, others in sorted(changes, key=lambda change: -change[0].line):
        lines[one.line - 1 : one.end] = [f"{line}{end}" for line in others]
    return "".join(lines)


def flagged(parsed: Dockerfile, changes: Sequence[tuple[Instruction, str]]) -> str:
    """The text with flags put behind instructions' keywords."""
    lines = lines_of(parsed)
    for one, flags in changes:
        at = one.line - 1
        head = re.match(rf"(?i)\ufeff?\s*{one.keyword}(?=\s)", lines[at])
        if head is not None:
            lines[at] = f"{head[0]} {flags}{lines[at][head.end() :]}"
    return "".join(lines)


def written(parsed: Dockerfile, one: Instruction) -> list[str]:
    """An instruction as the file has it, without line ends."""
    lines = lines_of(parsed)[one.line - 1 : one.end]
    return [line.rstrip("\r\n") for line in lines]


def flags(one: Instruction, but: str = "") -> str:
    """An instruction's flags as it has them, each with a blank behind it, ``but`` one."""
    return "".join(
        f"--{name}={value} " if value else f"--{name} " for name, value in one.flags if name != but
    )


def short(one: Instruction) -> str:
    """An instruction in some words."""
    text = " ".join(one.text.split())
    return text if len(text) <= 50 else f"{text[:49]}…"
