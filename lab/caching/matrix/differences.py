"""Where two engines' caches differ on a Dockerfile: its instructions against the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.caching.matrix.kinds import Cell, Kind, Matrix
from lab.dockerfile.cachekey.sources import operands, patterns
from lab.dockerfile.model import Dockerfile, Instruction
from lab.model import engine_name
from lab.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An edit of an instruction's kind of which the engines make different things.

    ``cells`` are by the engines' names as they were asked for.
    """

    instruction: Instruction
    kind: Kind
    cells: Mapping[str, Cell]


def differences(
    dockerfile: Dockerfile, engines: Sequence[str], matrix: Matrix, kinds: Sequence[Kind]
) -> Iterator[Difference]:
    """All, in the Dockerfile's order, as the engines' own clients build it.

    What an engine cannot build at all is no difference of its cache. Raises InputError where an
    engine was not measured.
    """
    columns = {name: matrix.cells[column(name, matrix)] for name in engines}
    for instruction in dockerfile.instructions:
        for kind in kinds:
            cells = {name: cells[kind.title] for name, cells in columns.items()}
            unlike = len({*cells.values()} - {"refused", "unknown"}) > 1
            if unlike and not kind.archive and concerns(kind, instruction):
                yield Difference(instruction=instruction, kind=kind, cells=cells)


def column(name: str, matrix: Matrix) -> str:
    """The engine of the matrix that a name means; the newest where it states no version."""
    asked = engine_name.parse(name)
    same = [
        one
        for one in matrix.versions
        if engine_name.family(one) == asked.family
        and (engine_name.parse(one).store or "graph") == (asked.store or "graph")
        and (not asked.version or engine_name.matches(asked.version, matrix.versions[one]))
    ]
    if asked.root is not None or not same:
        raise InputError(
            f"{name} was not measured: what its cache makes of edits is not known",
            remedy=f"name one of {', '.join(matrix.versions)}",
        )
    return max(same, key=lambda one: _numbers(matrix.versions[one]))


def concerns(kind: Kind, instruction: Instruction) -> bool:
    """Whether a kind of edit can be made to an instruction."""
    if not re.fullmatch(kind.at, instruction.keyword) or instruction.stage is None:
        return False
    if kind.group == "files" and not _copies_files(instruction):
        return False
    text = "\n".join((instruction.text, *(f"<<{form}" for form in instruction.forms)))
    return not kind.like or re.search(kind.like, text) is not None


def _copies_files(instruction: Instruction) -> bool:
    """Whether it reads the context."""
    if instruction.keyword not in {"COPY", "ADD"}:
        return True
    return instruction.flag("from") is None and bool(patterns(operands(instruction)[:-1]))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
