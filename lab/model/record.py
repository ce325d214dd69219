"""What is known about a build and a run: plain values, and their JSON (docs/schema.md).

Seconds and bytes throughout. None means unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lab.model.events import Outcome
from lab.model.json_fields import inside, known, read, typed
from lab.model.origin import Origin
from lab.model.plain import plain
from lab.model.remote_cache import Remote

BUILD_SCHEMA = "lab.build/1"
RUN_SCHEMA = "lab.run/1"

BuildStatus = Literal["ok", "failed", "skipped", "engine-lost"]
RunStatus = Literal["complete", "partial", "failed"]
HIT_RATE_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The machine that an engine runs on, which need not be the client's."""

    kernel: str | None = None
    glibc: str | None = None
    cpu_model: str | None = None
    cpus: int | None = None
    memory_bytes: int | None = None
    cgroup: str | None = None
    filesystem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """One engine as it answered when the run began.

    ``local``: it works on the lab's own machine; None in records of before this was written down.
    """

    name: str
    version: str
    api: str
    endpoint: str
    private: bool
    storage: str
    builder: str
    host: HostFacts = HostFacts()
    local: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image. ``layers`` counts the layers of its file system."""

    id: str
    size_bytes: int | None = None
    layers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One Dockerfile instruction in one stage.

    ``outcome`` is None for a FROM and for a metadata instruction that the engine does not report.
    ``started_s`` counts from the sending of the request. ``duration_s`` is the time the engine
    worked on the step: the union of its intervals, waiting left out. ``layer_bytes`` is what its
    layer in the image holds; None for steps of other stages, and where the engine told no sizes.
    """

    index: int
    stage: str
    instruction: str
    outcome: Outcome | None
    started_s: float | None = None
    duration_s: float | None = None
    error: str | None = None
    layer_bytes: int | None = None

    @property
    def counted(self) -> bool:
        """Whether the step counts in the hit rate: RUN, COPY and ADD do."""
        return self.instruction.split(None, 1)[0].upper() in HIT_RATE_KEYWORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The layer cache's part in one build, over the counted steps that were needed."""

    hits: int
    misses: int
    skipped: int

    @property
    def rate(self) -> float | None:
        """hits / (hits + misses); None where no counted step was needed."""
        needed = self.hits + self.misses
        return self.hits / needed if needed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Everything known about one build: one line of builds.jsonl.

    ``steps_s`` is the sum of the steps' durations, ``critical_path_s`` the longest chain of steps
    that had to follow one another, ``unattributed_s`` the wall time that belongs to no step.
    ``cpu_s`` is what the engine and all steps used of the CPUs, ``peak_memory_bytes`` the most that
    their processes held at a time; None where the engine's work cannot be kept apart from others'.
    ``marks`` are named seconds, taken inside the build where a layout asks for them. ``manifest``
    is the place, in the run's folder, of what the build was made from. ``disturbance`` is what the
    machine did meanwhile, ``fit`` whether that leaves its times fit to compare
    (lab.host.monitor.fitness); None where nobody could look.
    ``warm_up`` builds are recorded, and counted nowhere. ``remote`` is a remote cache's part in it.
    ``host`` is the worker of a fleet that built it, ``attempt`` which one of its trial it was, from
    1 on; None outside fleets.
    """

    id: str
    cell: Mapping[str, str]
    round: int
    phase: str
    status: BuildStatus
    reason: str | None = None
    started: str | None = None
    wall_s: float | None = None
    critical_path_s: float | None = None
    steps_s: float | None = None
    unattributed_s: float | None = None
    cpu_s: float | None = None
    peak_memory_bytes: int | None = None
    context_bytes: int | None = None
    context_sent_s: float | None = None
    image: Image | None = None
    cache: Cache | None = None
    steps: tuple[Step, ...] = ()
    marks: Mapping[str, float] = field(default_factory=dict)
    disturbance: Mapping[str, Any] = field(default_factory=dict)
    fit: str | None = None
    notes: tuple[str, ...] = ()
    log_tail: str | None = None
    dockerfile: str | None = None
    replay: str | None = None
    manifest: str | None = None
    warm_up: bool = False
    remote: Remote | None = None
    host: str | None = None
    attempt: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The record as builds.jsonl holds it."""
        record: dict[str, Any] = {"schema": BUILD_SCHEMA} | plain(self)
        if self.cache is not None:
            record["cache"]["rate"] = self.cache.rate
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Build:
        """Read a record back; fields of later minor versions are passed over.

        Raises KeyError, TypeError or ValueError on a record that is not one (lab.results.store
        says where).
        """
        if record.get("schema") != BUILD_SCHEMA:
            raise ValueError(f"schema {record.get('schema')!r}, expected {BUILD_SCHEMA!r}")
        values = known(cls, record)
        inside(values, "dockerfile", "manifest")
        if values.get("image") is not None:
            values["image"] = read(Image, values["image"])
        if values.get("cache") is not None:
            values["cache"] = read(Cache, values["cache"])
        if values.get("remote") is not None:
            values["remote"] = Remote.from_json(values["remote"])
        values["steps"] = tuple(_step(step) for step in values.get("steps", ()))
        values["notes"] = tuple(values.get("notes", ()))
        return cls(**typed(cls, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioText:
    """The scenario as it was run."""

    name: str
    path: str | None
    sha256: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Rounds go on, ``least`` at least, until each comparison is decided: a ratio of ``metric``
    differs, or is the same within ``margin`` (0.05: 5 %).
    """

    least: int
    margin: float
    metric: Literal["wall", "cpu"] = "wall"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run was asked for: on which engines, in how many rounds. None: its head does not say.

    ``endpoints`` are the addresses that were named, by engine; ``private`` engines were the lab's.
    ``together``: imported builds were to be in one run. ``baseline`` is what ratios were asked to.
    ``made_by``: the command that made the run for an answer of its own, such as ``gate``.
    """

    engines: tuple[str, ...] | None = None
    rounds: int | None = None
    until: Until | None = None
    warm_up: int | None = None
    endpoints: Mapping[str, str] | None = None
    private: bool | None = None
    together: bool | None = None
    baseline: str | None = None
    made_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The head of one run: run.json. ``ready`` is when all was set up and the first trial began.

    ``builds`` is how many it had when it ended, so that a loss is found later. ``imported`` says of
    each build that another tool recorded where it comes from (docs/schema.md). ``warnings`` are
    what a reader must know of the whole run, each a sentence. ``axes`` are the scenario's, with
    their values in its order; empty in records of before they were written down. ``name`` is what
    the user called the run. ``hosts`` are the workers of its fleet, as each stated itself.
    """

    id: str
    status: RunStatus
    scenario: ScenarioText
    host: HostFacts
    engines: tuple[EngineFacts, ...]
    seed: int
    started: str
    ready: str | None = None
    finished: str | None = None
    lab: str | None = None
    options: RunOptions = RunOptions()
    bases: tuple[Mapping[str, Any], ...] = ()
    controls: tuple[Mapping[str, Any], ...] = ()
    reason: str | None = None
    broken: tuple[str, ...] = ()
    builds: int | None = None
    imported: tuple[Mapping[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str | None = None
    hosts: tuple[Mapping[str, Any], ...] = ()
    origin: Origin = field(default_factory=Origin)

    def to_json(self) -> dict[str, Any]:
        """The head as run.json holds it."""
        return {"schema": RUN_SCHEMA} | asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Run:
        """Read a head back. Raises KeyError, TypeError or ValueError on what is not one."""
        if record.get("schema") != RUN_SCHEMA:
            raise ValueError(f"schema {record.get('schema')!r}, expected {RUN_SCHEMA!r}")
        values = known(cls, record)
        values["scenario"] = read(ScenarioText, values["scenario"])
        values["host"] = read(HostFacts, values["host"])
        values["engines"] = tuple(_engine(engine) for engine in values["engines"])
        values["options"] = _options(values.get("options", {}))
        values["origin"] = Origin.from_json(values.get("origin"))
        for name in ("bases", "controls", "broken", "imported", "hosts", "warnings"):
            values[name] = tuple(values.get(name, ()))
        values["axes"] = {name: tuple(one) for name, one in values.get("axes", {}).items()}
        return cls(**typed(cls, values))


def _step(record: Mapping[str, Any]) -> Step:
    values = known(Step, record)
    if values["outcome"] is not None:
        values["outcome"] = Outcome(values["outcome"])
    return Step(**typed(Step, values))


def _options(record: Mapping[str, Any]) -> RunOptions:
    values = known(RunOptions, record)
    if values.get("engines") is not None:
        if not isinstance(values["engines"], list):
            raise TypeError(f"engines is {values['engines']!r}")
        values["engines"] = tuple(values["engines"])
    if values.get("until") is not None:
        values["until"] = read(Until, values["until"])
    return RunOptions(**typed(RunOptions, values))


def _engine(record: Mapping[str, Any]) -> EngineFacts:
    values = known(EngineFacts, record)
    values["host"] = read(HostFacts, values.get("host") or {})
    return EngineFacts(**typed(EngineFacts, values))
