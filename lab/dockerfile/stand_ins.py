"""Images that stand for those that a Dockerfile names, where no registry has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lab.dockerfile.model import Dockerfile, Instruction
from lab.dockerfile.parser import lines_of


def named(file: Dockerfile) -> frozenset[str]:
    """The images that a Dockerfile reads: below its stages, by COPY --from and RUN --mount."""
    return frozenset(ref for one in file.instructions for _, ref in _refs(file, one))


def put(file: Dockerfile, instead: Mapping[str, str]) -> str:
    """Its text with other references for those of ``instead``, each on the line where it stood."""
    lines = lines_of(file.text)
    for one in file.instructions:
        for written, ref in _refs(file, one):
            if ref in instead:
                _replace(lines, one, written, instead[ref])
    return "".join(lines)


def _refs(file: Dockerfile, one: Instruction) -> Iterable[tuple[str, str]]:
    """Each image that an instruction reads: as it is written, and with its variables filled in."""
    if one.keyword == "FROM" and one.stage is not None:
        stage = file.stages[one.stage]
        if stage.parent is None and stage.base != "scratch":
            yield one.operands.split()[0].strip("\"'"), stage.base
        return
    before = {stage.name for stage in file.stages[: one.stage or 0]}
    written = [value for name, value in one.flags if name == "from"]
    written += [mount["from"] for mount in one.mounts if "from" in mount]
    for ref in written:
        if ref.lower() not in before and not ref.isdecimal():
            yield ref, file.expand(ref)


def _replace(lines: list[str], one: Instruction, written: str, ref: str) -> None:
    whole = re.compile(rf"(?<![^\s=,\"']){re.escape(written)}(?=[\s,\"'\\`]|$)")
    for number in range(one.line - 1, one.end):
        lines[number], done = whole.subn(lambda _: ref, lines[number], count=1)
        if done:
            return
