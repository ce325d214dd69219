"""A scenario as the lab works with it: plain values, which lab.scenario.loader makes of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.dockerfile.edits import Edit
from lab.host.controls.types import Controls
from lab.host.relay import Link
from lab.images.sources.types import BaseSource, ToolchainSource
from lab.model.record import RunOptions, ScenarioText, Until


def is_fresh(phase: str) -> bool:
    """Whether a phase of this name is built on an engine with empty storage."""
    return phase == "fresh" or phase.startswith("fresh:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A Go project generated from a seed."""

    packages: int
    lines: int
    depth: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The user's own project: ``context`` is a folder, ``dockerfile`` a path inside it.

    ``images`` says by references that the Dockerfile names which images on this disk stand for
    them, by every name that lab.images.opened takes.
    """

    context: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Limits of a number, both included; None is no limit."""

    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold for the builds of phase ``after`` in the cells that ``where`` names.

    ``line`` is its place in the scenario file. ``median_wall`` is in seconds.
    """

    after: str
    where: Mapping[str, str] = field(default_factory=dict)
    steps: str | None = None
    outcome: str | None = None
    hit_rate: Bound | None = None
    median_wall: Bound | None = None
    time_saved: Bound | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to vary, what to build, in which phases, how often, and what must hold.

    ``axes`` holds every axis with its values: engine, base, toolchain, layout and the user's own.
    A value that the scenario leaves to the project itself is ``own``. ``phases`` are names.
    ``rounds`` is how many there are at most where ``until`` may end them; before them come
    ``warm_up`` rounds that are not counted.
    ``links`` are lines to the registry of fresh engines, by their values on the axis link.
    ``hand_on``: each fresh build restores what the fresh one before it saved.
    ``where`` is what a fleet's workers must be, fact by fact; ``attempts`` is how often a trial is
    begun there at most.
    ``kernels`` is an axis of `lab validate` alone: builds run on the host's kernel. ``baseline`` is
    what ratios are to, a value of an axis that has several; None: see lab.results.question.
    """

    name: str
    description: str
    path: Path | None
    text: str
    axes: Mapping[str, tuple[str, ...]]
    own_axes: tuple[str, ...]
    bases: tuple[BaseSource, ...]
    toolchains: tuple[ToolchainSource, ...]
    workload: Generated | Own
    phases: tuple[str, ...]
    edits: Mapping[str, tuple[Edit, ...]]
    rounds: int
    seed: int
    expect: tuple[Expectation, ...]
    until: Until | None = None
    warm_up: int = 0
    controls: Controls = field(default_factory=Controls)
    kernels: tuple[str, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    hand_on: bool = False
    baseline: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 2

    @property
    def base_moves(self) -> bool:
        """Whether an edit gives the base's name to another image."""
        return not {"edit:base", "fresh:base"}.isdisjoint(self.phases)

    @property
    def fresh(self) -> bool:
        """Whether any phase is built on an engine with empty storage."""
        return any(is_fresh(name) for name in self.phases)

    @property
    def engines(self) -> tuple[str, ...]:
        """The axis engine."""
        return self.axes["engine"]

    @property
    def layouts(self) -> tuple[str, ...]:
        """The axis layout."""
        return self.axes["layout"]

    def with_engines(self, engines: Sequence[str]) -> Scenario:
        """The same on other engines, without what is expected of an engine that is left out."""
        kept = (one for one in self.expect if one.where.get("engine", engines[0]) in engines)
        axes = {**self.axes, "engine": tuple(engines)}
        varied = {value for values in axes.values() if len(values) > 1 for value in values}
        baseline = self.baseline if self.baseline in varied else None
        return replace(self, axes=axes, expect=tuple(kept), baseline=baseline)

    @property
    def run_options(self) -> RunOptions:
        """On which engines and in which rounds it is run, as a run's head keeps it."""
        return RunOptions(
            engines=self.engines,
            rounds=self.rounds,
            until=self.until,
            warm_up=self.warm_up,
            baseline=self.baseline,
        )

    @property
    def as_run(self) -> ScenarioText:
        """The scenario as a run's head keeps it."""
        return ScenarioText(
            name=self.name,
            path=None if self.path is None else str(self.path),
            sha256=hashlib.sha256(self.text.encode()).hexdigest(),
            text=self.text,
        )
