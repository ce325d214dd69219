"""Here-documents as they count.

Seen on docker 28.5.2 and podman 5.8.6 (tests/contract/test_idioms.py).

After a dash the tabs before each line are none of the text. In COPY and ADD variables are filled in
unless the name is in quotes; in RUN a shell sees to them.
"""

from __future__ import annotations

from itertools import zip_longest

from lab.dockerfile.model import Instruction


def text(instruction: Instruction) -> str:
    """An instruction with what its here-documents hold."""
    return "\n".join((instruction.text, *(body for _, body in _bodies(instruction))))


def filled_in(instruction: Instruction) -> str:
    """Those parts of it whose variables are filled in; empty where that is the whole text."""
    if instruction.keyword not in {"COPY", "ADD"} or not instruction.heredocs:
        return ""
    plain = [body for form, body in _bodies(instruction) if not form.strip("-")]
    return "\n".join((instruction.text, *plain))


def _bodies(instruction: Instruction) -> list[tuple[str, str]]:
    pairs = zip_longest(instruction.forms, instruction.heredocs, fillvalue="")
    return [(form, _without_tabs(body) if "-" in form else body) for form, body in pairs]


def _without_tabs(body: str) -> str:
    return "\n".join(line.lstrip("\t") for line in body.split("\n"))
