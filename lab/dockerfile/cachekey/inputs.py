"""What a build's cache keys are made from: plain values, and their JSON (docs/explain.md)."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from lab.model.json_fields import typed
from lab.model.plain import plain

MANIFEST_SCHEMA = "lab.manifest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One entry of the context as it was sent.

    ``content`` is the digest of a file's bytes, the target of a link, empty for a folder.
    """

    kind: str
    content: str
    mode: int
    owner: str = "0:0"
    mtime: int = 0


_USUAL = {"owner": "0:0", "mtime": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable in force: its value, and the text that gave it, before anything was filled in."""

    kind: Literal["ENV", "ARG"]
    value: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A read of another stage's files: ``step`` is the last instruction of that stage.

    ``paths`` are those that are read, from the stage's root; a pattern stands as the folder that it
    starts from.
    """

    how: Literal["copy", "mount"]
    step: int
    paths: tuple[str, ...] = ("/",)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """Everything that can change one step's outcome, but for what lies in the context.

    ``text`` is the instruction as written, on one line. ``sources`` are the patterns of what COPY
    and ADD read from the context, ``mounts`` the folders of it that bind mounts show; ``place`` is
    where COPY, ADD and WORKDIR write to, from the root, empty where that is not known.
    ``chmod``: it gives what it copies a mode. ``excludes`` are the patterns of what COPY
    --exclude leaves out. ``images`` are images read, with their digest (None: unknown).
    ``variables`` are those in force, ``uses`` the names that the text itself mentions. ``slash``:
    the WORKDIR in force was written with one at its end; ``margins`` are a RUN's numbers of blanks
    before and after its text, empty where they are 1 and 0. Of secrets only the names are known.
    """

    index: int
    stage: int
    keyword: str
    text: str
    previous: int | None = None
    sources: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    reads: tuple[Reading, ...] = ()
    place: str = ""
    images: Mapping[str, str | None] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    user: str = ""
    shell: str = ""
    slash: bool = False
    margins: str = ""
    link: bool = False
    chmod: bool = False
    secrets: tuple[str, ...] = ()

    def same_as(self, other: StepFacts | None) -> bool:
        """Whether nothing differs, the order of variables neither: it can count."""
        if other is self:
            return True
        return other == self and [*self.variables] == [*other.variables]


Steps = Mapping[int, StepFacts]  # by their instruction's index


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """A stage: its name and whether the target needs it."""

    name: str
    needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInputs:
    """What one build was made from. ``steps`` are those of stages, in the file's order.

    ``ignore`` is the text of a .dockerignore that lies in the context: an engine may obey it.
    """

    dockerfile: str
    target: int
    platform: str | None
    stages: tuple[StageFacts, ...]
    steps: tuple[StepFacts, ...]
    files: Mapping[str, FileFacts]
    ignore: str | None = None

    @property
    def by_index(self) -> Steps:
        """The steps by their instruction's index."""
        return {step.index: step for step in self.steps}

    def to_json(self) -> dict[str, Any]:
        """As a run's folder holds them: what says nothing, or the usual, is left out."""
        record: dict[str, Any] = {"schema": MANIFEST_SCHEMA} | plain(self)
        record["steps"] = [
            {key: value for key, value in step.items() if value or key in {"index", "stage"}}
            for step in record["steps"]
        ]
        record["files"] = {
            path: {key: value for key, value in facts.items() if value != _USUAL.get(key)}
            for path, facts in record["files"].items()
        }
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> CacheInputs:
        """Read one back. Raises KeyError, TypeError or ValueError on what is not one."""
        if record.get("schema") != MANIFEST_SCHEMA:
            raise ValueError(f"schema {record.get('schema')!r}, expected {MANIFEST_SCHEMA!r}")
        stages = tuple(StageFacts(**typed(StageFacts, stage)) for stage in record["stages"])
        steps = _steps(tuple(marshal.dumps(one, 2) for one in record["steps"]))
        if not all(0 <= step.stage < len(stages) for step in steps):
            raise ValueError("a step is of no stage")
        values = {
            "dockerfile": record["dockerfile"],
            "target": record["target"],
            "platform": record["platform"],
            "stages": stages,
            "steps": steps,
            "files": {path: _file(**facts) for path, facts in record["files"].items()},
            "ignore": record.get("ignore"),
        }
        return cls(**typed(cls, values))


# A run's builds are much alike: what they share is made once, so that comparing it is cheap.
# A record is kept by its bytes: marshal's second version makes the same of equal ones, and fastest.
@lru_cache(maxsize=1 << 15)
def _file(**facts: Any) -> FileFacts:
    return FileFacts(**typed(FileFacts, facts))


@lru_cache(maxsize=256)
def _steps(records: tuple[bytes, ...]) -> tuple[StepFacts, ...]:
    found = tuple(_step(record) for record in records)
    above: set[int | None] = {None}
    for step in found:
        if not {step.previous, *(one.step for one in step.reads)} <= above:
            raise ValueError(f"step {step.index} depends on one that is not above it")
        above.add(step.index)
    return found


@lru_cache(maxsize=1 << 13)
def _step(record: bytes) -> StepFacts:
    values = {"keyword": "", "text": ""} | marshal.loads(record)  # noqa: S302 - made above
    for name in ("sources", "excludes", "mounts", "uses", "secrets"):
        values[name] = tuple(values.get(name, ()))
    values["reads"] = tuple(
        Reading(**typed(Reading, one | {"paths": tuple(one.get("paths", ("/",)))}))
        for one in values.get("reads", ())
    )
    values["variables"] = {
        name: Variable(**typed(Variable, one)) for name, one in values.get("variables", {}).items()
    }
    return StepFacts(**typed(StepFacts, values))
