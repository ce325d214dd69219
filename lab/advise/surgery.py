"""A Dockerfile's lines cut and joined, whatever the rest of the file looks like. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.dockerfile import Dockerfile, Instruction


def lines_of(parsed: Dockerfile) -> list[str]:
    """The lines, each with its end; a file of CRLF keeps them."""
    end = line_end(parsed.text)
    lines = parsed.text.splitlines(keepends=True)
    return [line if line.endswith(("\n", "\r")) else f"{line}{end}" for line in lines]


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
    first, last = span(lines, one)
    block = lines[first:last]
    if before is not None:
        at, _ = span(lines, before)
    else:
        at = span(lines, after)[1] if after is not None else len(lines)
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
        first, last = span(lines, one)
        lines[first:last] = [f"{line}{end}" for line in others]
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


def span(lines: list[str], one: Instruction) -> tuple[int, int]:
    """The lines of an instruction, here-documents and continuations with it."""
    first = at = one.line - 1
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if not line.endswith(("\\", "`")) and line.strip() and not line.lstrip().startswith("#"):
            break
    for body in one.heredocs:
        at += len(body.split("\n")) + 1 if body else 1
    return first, at


def written(parsed: Dockerfile, one: Instruction) -> list[str]:
    """An instruction as the file has it, without line ends."""
    lines = lines_of(parsed)
    first, last = span(lines, one)
    return [line.rstrip("\r\n") for line in lines[first:last]]


def short(one: Instruction) -> str:
    """An instruction in some words."""
    text = " ".join(one.text.split())
    return text if len(text) <= 50 else f"{text[:49]}…"
