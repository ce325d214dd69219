"""Which instruction a vertex of BuildKit's trace stands for.

A vertex is named ``[STAGE N/M] KEYWORD text``. M and N count the instructions that touch the file
system; the FROM of an image counts as the first, a FROM of another stage or of scratch does not
(docker 20.10.24, tried). ONBUILD triggers of the base count in N alone there. WORKDIR / counts in M
and has no vertex, nor a number (docker 20.10.24 and 28.5.2).
Equal steps of two stages are one vertex, named after one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.dockerfile.model import Dockerfile, Instruction, Stage
from lab.dockerfile.parser import FILE_SYSTEM
from lab.engines.protobuf import Vertex

# From ten steps on the number is padded: "[ 2/12] RUN".
_NAME = re.compile(r"^\[(?:\S*/\S* +)?(?:([^\s/\]]+) +)? *(\d+)/(\d+)\] (.+)$", re.DOTALL)
_LOOSE = re.compile(r"\$\{[^}]*\}|\$\w+|[\"'\\\s\[\]]+")


@dataclass(frozen=True, slots=True)
class _Place:
    stage: int
    number: int
    text: str


@dataclass(slots=True)
class Vertices:
    """The vertices announced so far, and the steps they stand for."""

    dockerfile: Dockerfile
    target: str | None
    known: dict[str, Vertex] = field(default_factory=dict)
    _places: dict[str, _Place] = field(default_factory=dict)
    _shift: dict[int, int] = field(default_factory=dict)
    _steps: dict[str, tuple[int, ...]] | None = None

    def announce(self, vertex: Vertex) -> None:
        """Learn of a vertex. All of a build are announced before the first of its steps starts."""
        before = self.known.get(vertex.digest)
        if before is None or (vertex.inputs and not before.inputs):
            self.known[vertex.digest] = vertex
            self._steps = None
            if before is None and (place := self._place(vertex.name)) is not None:
                self._places[vertex.digest] = place

    def steps(self, digest: str) -> tuple[int, ...]:
        """The instructions that the vertex stands for; the one it is named after comes first."""
        if self._steps is None:
            self._steps = self._resolve()
        return self._steps.get(digest, ())

    def ancestors(self, digest: str) -> frozenset[str]:
        """All vertices that this one depends on."""
        found: set[str] = set()
        waiting = [digest]
        while waiting:
            vertex = self.known.get(waiting.pop())
            for other in vertex.inputs if vertex else ():
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)

    def _place(self, name: str) -> _Place | None:
        match = _NAME.match(name)
        if match is None:
            return None
        stage = self._stage(match[1])
        if stage is None or match[4].startswith("LINK "):
            return None  # joining a linked layer is bookkeeping: the COPY has its own vertex
        number, total = int(match[2]), int(match[3])
        counted = len(self._counted(stage))
        extra = max(number - counted, total - counted - self._at_root(stage))
        self._shift[stage.index] = max(self._shift.get(stage.index, 0), extra)
        return _Place(stage.index, number, match[4])

    def _stage(self, name: str | None) -> Stage | None:
        stages = self.dockerfile.stages
        if name is None:
            return stages[self.dockerfile.target(self.target)]
        return next((s for s in reversed(stages) if s.name == name.lower()), None)

    def _counted(self, stage: Stage) -> list[int]:
        """Indexes of the instructions that N counts, in order."""
        return [
            index
            for index in stage.instructions
            if (
                (instruction := self.dockerfile.instructions[index]).keyword in FILE_SYSTEM
                and not _at_root(instruction)
            )
            or (instruction.keyword == "FROM" and stage.parent is None and stage.base != "scratch")
        ]

    def _at_root(self, stage: Stage) -> int:
        """How many instructions M counts and N does not."""
        own = (self.dockerfile.instructions[index] for index in stage.instructions)
        return sum(map(_at_root, own))

    def _resolve(self) -> dict[str, tuple[int, ...]]:
        own: dict[int, str] = {}
        found: dict[str, list[int]] = {}
        for digest, place in self._places.items():
            index = self._instruction(place)
            if index is not None:
                own.setdefault(index, digest)
                found[digest] = [index]
        followers = self._followers()
        for number in sorted(self.dockerfile.needed(self.target)):
            stage = self.dockerfile.stages[number]
            before = self._first(stage, own)
            for index in self._counted(stage):
                instruction = self.dockerfile.instructions[index]
                if index not in own:
                    same = (
                        self._from(stage)
                        if instruction.keyword == "FROM"
                        else self._same_text(instruction, followers.get(before or "", ()))
                    )
                    if same is not None:
                        own[index] = same
                        found.setdefault(same, []).append(index)
                before = own.get(index)
        return {digest: tuple(indexes) for digest, indexes in found.items()}

    def _instruction(self, place: _Place) -> int | None:
        counted = self._counted(self.dockerfile.stages[place.stage])
        position = place.number - 1
        image = bool(counted) and self.dockerfile.instructions[counted[0]].keyword == "FROM"
        if position > 0 or not image:
            position -= self._shift.get(place.stage, 0)
        if not 0 <= position < len(counted):
            return None
        keyword = self.dockerfile.instructions[counted[position]].keyword
        # Position 1 is the FROM; a trigger that has its number is no step of this Dockerfile.
        return counted[position] if place.text.upper().startswith(keyword) else None

    def _first(self, stage: Stage, own: Mapping[int, str]) -> str | None:
        """The vertex that the stage's first counted instruction builds on."""
        if stage.parent is None:
            return None
        parent = self.dockerfile.stages[stage.parent]
        counted = self._counted(parent)
        return own.get(counted[-1]) if counted else self._first(parent, own)

    def _from(self, stage: Stage) -> str | None:
        """The FROM vertex of the stage's base, which bears another stage's name or none."""
        for vertex in self.known.values():
            text = place.text if (place := self._places.get(vertex.digest)) else vertex.name
            keyword, _, ref = text.partition(" ")
            if keyword == "FROM" and _full_ref(ref) == _full_ref(stage.base):
                return vertex.digest
        return None

    def _followers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for digest in self._places:
            inputs = self.known[digest].inputs
            found.setdefault(inputs[0] if inputs else "", []).append(digest)
        return found

    def _same_text(self, instruction: Instruction, candidates: Iterable[str]) -> str | None:
        for digest in candidates:
            if _same_text(instruction.text, self._places[digest].text):
                return digest
        return None


def _at_root(instruction: Instruction) -> bool:
    """Whether it is WORKDIR /, as far as its text tells."""
    place = instruction.operands.strip("\"' ")
    return instruction.keyword == "WORKDIR" and place[:1] == "/" and not place.strip("/.")


def _same_text(written: str, shown: str) -> bool:
    """Whether a shown step can be this instruction: variables are replaced and quotes lost."""
    pieces = [re.escape(piece) for piece in _LOOSE.split(written)]
    return re.match(".*?".join(pieces), shown, re.DOTALL) is not None


def _full_ref(ref: str) -> str:
    name = re.sub(r"@sha256:[0-9a-f]+$", "", ref.strip().split(" ")[0])
    if "/" not in name:
        name = f"library/{name}"
    domain = name.split("/")[0]
    if "." not in domain and ":" not in domain and domain != "localhost":
        name = f"docker.io/{name}"
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"
