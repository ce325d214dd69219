"""A Dockerfile as far as the steps' names in a log tell it.

A log names the steps that touch the file system (BuildKit) or all of them (Podman, Docker's first
builder), never the file. What comes out is a value like a parsed Dockerfile's, without its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lab.dockerfile.flags import flags_of
from lab.dockerfile.model import Dockerfile, Instruction, Stage
from lab.dockerfile.parser import KEYWORDS
from lab.engines.protobuf import Vertex
from lab.engines.recorded.types import NotRead

# "[build 2/3] RUN", "[linux/arm64 build 2/3] RUN", bake's "[web build 2/3] RUN"; "[ 2/10] RUN".
_NAME = re.compile(r"\[(?:([^\]\n]*?) +)?(\d{1,9})/(\d{1,9})\] (.+)", re.DOTALL)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\b")
_NUMBERED = re.compile(r"stage-(\d{1,9})")
_MOST = 10_000  # steps; Docker's own limit of layers is 127


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A vertex that is a step: its stage as named, its number there, its text."""

    stage: str
    number: int
    text: str


@dataclass(slots=True)
class NamedVertices:
    """Vertices whose steps are known by their names alone; as lab.engines.vertices.Vertices."""

    places: Mapping[str, int]
    known: dict[str, Vertex] = field(default_factory=dict)

    def announce(self, vertex: Vertex) -> None:
        before = self.known.get(vertex.digest)
        if before is None or vertex.inputs:
            self.known[vertex.digest] = vertex

    def steps(self, digest: str) -> tuple[int, ...]:
        return (self.places[digest],) if digest in self.places else ()

    def ancestors(self, digest: str) -> frozenset[str]:
        found: set[str] = set()
        waiting = [digest]
        while waiting:
            vertex = self.known.get(waiting.pop())
            new = [one for one in (vertex.inputs if vertex else ()) if one not in found]
            found.update(new)
            waiting += new
        return frozenset(found)


def named(name: str) -> NamedStep | None:
    """The step that a vertex's name tells of; None for BuildKit's own work."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    text = match[4].strip()
    keyword = text.partition(" ")[0].upper()
    if keyword not in KEYWORDS:
        return None  # "LINK": joining a linked layer, which has its COPY's vertex beside it
    stage = " ".join((match[1] or "").split())
    if keyword == "FROM":
        text = _DIGEST.sub("", text)
    return NamedStep(stage, int(match[2]), f"{keyword} {text.partition(' ')[2]}")


def platforms(vertices: Iterable[Vertex]) -> set[str]:
    """The platforms that steps' names begin with: of a build for one platform there is none."""
    heads = (step.stage.split(" ")[0] for one in vertices if (step := named(one.name)) is not None)
    return {head for head in heads if "/" in head}


def of_vertices(vertices: Iterable[Vertex]) -> tuple[Dockerfile, dict[str, int], bool]:
    """The outline, the step of each vertex by digest, and whether all chains of stages are known.

    Of vertices that are no steps it has one stage without any.
    """
    known = {vertex.digest: vertex for vertex in vertices}
    found = steps(known.values())
    if not found:
        return of_steps([], ["stage-0"]), {}, True
    return _of_named(known, _one_platform(found))


def steps(vertices: Iterable[Vertex]) -> dict[str, NamedStep]:
    """The vertices that are steps, by digest. Raises NotRead where there are too many."""
    found = ((one.digest, named(one.name)) for one in vertices)
    known = {digest: step for digest, step in found if step is not None}
    if len(known) > _MOST:
        raise NotRead(f"more than {_MOST} steps")
    return known


def _of_named(
    known: Mapping[str, Vertex], steps: Mapping[str, NamedStep]
) -> tuple[Dockerfile, dict[str, int], bool]:
    parents = {
        step.stage: parent
        for digest, step in sorted(steps.items(), key=lambda item: -item[1].number)
        if (parent := _parent(known[digest], step, steps)) is not None
    }
    order = _ordered(steps, parents)
    places: dict[NamedStep, int] = {}
    texts: list[tuple[int | None, str]] = []
    rank = {stage: number for number, stage in enumerate(order)}
    for step in sorted(set(steps.values()), key=lambda s: (rank[s.stage], s.number, s.text)):
        places[step] = len(texts)
        texts.append((rank[step.stage], step.text))
    names = [stage or "stage-0" for stage in order]
    bases = [rank[parents[stage]] if stage in parents else None for stage in order]
    outline = of_steps(texts, names, bases)
    # Where no step has the number 1, it is the FROM of an image that another stage has too.
    first = {step.stage for step in steps.values() if step.number == 1 and not _is_from(step)}
    # Of several platforms each has stages of its own, and a step names another without one.
    one = not any("/" in stage.split(" ")[0] for stage in order)
    chained = one and first <= parents.keys()
    return outline, {digest: places[step] for digest, step in steps.items()}, chained


def of_steps(
    texts: Iterable[tuple[int | None, str]],
    names: list[str],
    parents: list[int | None] | None = None,
) -> Dockerfile:
    """The outline of steps, each with the number of its stage; None stands before the first."""
    instructions: list[Instruction] = []
    for stage, text in texts:
        if len(instructions) >= _MOST:
            raise NotRead(f"more than {_MOST} steps")
        keyword, _, rest = text.partition(" ")
        flags, operands = flags_of(rest.strip())
        index = len(instructions)
        instructions.append(
            Instruction(
                index=index,
                stage=stage,
                keyword=keyword.upper(),
                # Engines keep the indentation of continued lines; the lab's parser does not.
                text=" ".join(text.split()),
                line=index + 1,
                end=index + 1,
                flags=flags,
                operands=operands,
            )
        )
    inside: list[list[int]] = [[] for _ in names]
    for one in instructions:
        if one.stage is not None:
            inside[one.stage].append(one.index)
    stages = tuple(
        Stage(
            index=number,
            name=name.lower(),
            named=_NUMBERED.fullmatch(name) is None,
            base=_base(instructions, inside[number]),
            parent=_before(parents, number),
            instructions=tuple(inside[number]),
        )
        for number, name in enumerate(names)
    )
    return Dockerfile(text="", instructions=tuple(instructions), stages=stages)


def _before(parents: list[int | None] | None, number: int) -> int | None:
    """A stage's parent, where it stands before it as in every real file."""
    parent = parents[number] if parents else None
    return parent if parent is not None and parent < number else None


def _base(instructions: list[Instruction], inside: list[int]) -> str:
    first = instructions[inside[0]] if inside else None
    words = first.operands.split() if first is not None and first.keyword == "FROM" else []
    return words[0] if words else ""


def _is_from(step: NamedStep) -> bool:
    return step.text.startswith("FROM ")


def _one_platform(steps: Mapping[str, NamedStep]) -> dict[str, NamedStep]:
    """Without the platform that all stages' names begin with."""
    words = [step.stage.split(" ") for step in steps.values()]
    heads = {one[0] for one in words}
    if len(heads) == 1 and "/" in next(iter(heads)):
        return {
            digest: replace(step, stage=step.stage.partition(" ")[2])
            for digest, step in steps.items()
        }
    return dict(steps)


def _parent(vertex: Vertex, step: NamedStep, steps: Mapping[str, NamedStep]) -> str | None:
    """The stage that a stage's first named step stands on, where it is another's."""
    below = steps.get(vertex.inputs[0]) if vertex.inputs else None
    if below is None or _is_from(step) or below.stage == step.stage or _is_from(below):
        return None
    return below.stage


def _ordered(steps: Mapping[str, NamedStep], parents: Mapping[str, str]) -> list[str]:
    """Stages, each after those that it needs; else in the order in which they were named."""
    stages = list(dict.fromkeys(step.stage for step in steps.values()))
    last_words = {stage.split(" ")[-1].lower(): stage for stage in reversed(stages)}
    needs: dict[str, list[str]] = {stage: [] for stage in stages}
    for stage, parent in parents.items():
        needs[stage].append(parent)
    for step in steps.values():
        for ref in re.findall(r"(?:--|,)from=([^\s,]+)", step.text):
            if (source := last_words.get(ref.lower())) not in {None, step.stage}:
                needs[step.stage].append(str(source))
    stages.sort(key=_number)
    found: list[str] = []
    seen: set[str] = set()
    waiting = [(stage, False) for stage in reversed(stages)]
    while waiting:
        stage, done = waiting.pop()
        if done:
            found.append(stage)
        elif stage not in seen:
            seen.add(stage)
            waiting.append((stage, True))
            waiting += [(one, False) for one in reversed(needs[stage]) if one not in seen]
    return found


def _number(stage: str) -> int:
    """``stage-3`` is the file's fourth; where the others stand is not known."""
    match = _NUMBERED.fullmatch(stage.rpartition(" ")[2])
    return int(match[1]) if match else -1
