"""Builds that other tools recorded, made into records of the lab."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab.dockerfile.cachekey import CacheInputs
from lab.engines.recorded.types import Recorded
from lab.model.errors import InputError
from lab.model.events import Log, Outcome
from lab.model.record import Build, Image, Step
from lab.runner.build_record import with_outcome
from lab.runner.clock import time_of_day
from lab.runner.recorder import BuildRecorder

PHASE = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that holds builds. ``modified`` is in seconds since 1970."""

    path: Path
    sha256: str
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One build of a file as a record of the lab, the first of its run.

    ``origin`` is where it comes from, as run.json keeps it: the file, and what that says of commit,
    branch and job. Folders are nobody's business. ``started`` is in seconds since 1970; of a build
    that does not say it, that of its file. ``lacks`` is what the file does not tell, by parts,
    ``output`` what its steps printed.
    """

    build: Build
    origin: Mapping[str, str]
    started: float
    lacks: tuple[str, ...]
    dockerfile: str | None = None
    inputs: CacheInputs | None = None
    output: tuple[Log, ...] = ()


def source(path: Path) -> Source:
    """A file's digest and time. Raises InputError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
            return Source(path=path, sha256=digest.hexdigest(), modified=path.stat().st_mtime)
    except OSError as error:
        what = error.strerror or str(error)
        remedy = f"name files, such as {path}/*" if path.is_dir() else "name another file"
        raise InputError(f"{path} cannot be read: {what}", remedy=remedy) from error


def _lacks(one: Recorded) -> list[str]:
    """What the file does not tell, in words."""
    found = []
    if not one.whole:
        found.append("the Dockerfile (steps are those that the log names)")
    if one.timing == "none":
        found.append("all times")
    elif one.timing == "durations":
        found.append("times of day and the wall time")
    if one.timing != "none" and not one.hits_timed:
        found.append("durations of hits")
    if not one.hits_told:
        found.append("which steps a cache gave, but for the last of each chain")
    if not one.chained:
        found.append("which stage needs which, and so the critical path")
    return [*found, "machine, CPU time, memory, context size"]


def found(
    one: Recorded, origin: Source, axes: Mapping[str, str], inputs: CacheInputs | None = None
) -> Found:
    """A build of a file, in a cell of these axes. ``inputs`` is what the user knows it made of."""
    known = {
        "file": origin.path.name,
        "sha256": origin.sha256,
        "key": one.key,
        "format": one.format,
    }
    build, output = _record(one, {"engine": one.engine, **axes})
    return Found(
        build=build,
        output=output,
        origin=known | dict(one.facts),
        started=origin.modified if one.started is None else one.started,
        lacks=tuple(_lacks(one)),
        dockerfile=one.dockerfile.text if one.whole else None,
        inputs=inputs if one.whole else None,
    )


def _record(one: Recorded, cell: Mapping[str, str]) -> tuple[Build, tuple[Log, ...]]:
    """The record of a build, where what its file lacks is None and said in a note; its output."""
    recorder = BuildRecorder(one.dockerfile, one.target)
    output = []
    for event in one.told():
        recorder.add(event)
        if isinstance(event, Log):
            output.append(event)
    outcome = recorder.result()
    image_id = one.image or outcome.image_id
    timed = one.timing == "clock"
    steps = tuple(_step(step, one) for step in outcome.steps)
    known = [step.duration_s for step in steps if step.duration_s is not None]
    wall = one.wall_s if one.wall_s is not None else outcome.wall_s
    unattributed = max(0.0, outcome.unattributed_s + wall - outcome.wall_s)
    build = Build(id=build_id(1), cell=cell, round=1, phase=PHASE, status=outcome.status)
    made = replace(
        with_outcome(build, outcome),
        started=None if one.started is None else time_of_day(one.started),
        steps=steps,
        wall_s=wall if timed else None,
        steps_s=sum(known) if known else None,
        critical_path_s=outcome.critical_path_s if one.chained and known else None,
        unattributed_s=unattributed if timed else None,
        notes=(f"{one.format}: unknown: {'; '.join(_lacks(one))}", *outcome.notes),
        cache=outcome.cache if outcome.steps and one.hits_told else None,
        image=Image(id=image_id) if outcome.status == "ok" and image_id else None,
    )
    return made, tuple(output)


def _step(step: Step, one: Recorded) -> Step:
    told = step.duration_s is not None
    untold = not one.hits_timed and step.outcome is Outcome.HIT
    if one.timing == "durations":
        # A hit took no time that was told, and of what failed none was.
        untold = untold or step.outcome is Outcome.FAILED or step.duration_s == 0
    known = told and not untold and one.timing != "none"
    begun = step.started_s if told and one.timing == "clock" else None
    return replace(
        step,
        started_s=None if begun is None else max(0.0, begun),
        duration_s=step.duration_s if known else None,
    )


def build_id(number: int) -> str:
    """The id of the build that is a run's first, second and so on."""
    return f"imported-{number}"
