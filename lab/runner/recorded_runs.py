"""Imported builds kept as runs: each in one of its own, or all together in one."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab import __version__
from lab.host.disk import dump
from lab.model.errors import LabError
from lab.model.origin import Origin
from lab.model.record import Build, EngineFacts, HostFacts, Run, RunOptions, ScenarioText
from lab.results import runs, store
from lab.results.raw_stream import own_log
from lab.runner.clock import time_of_day
from lab.runner.recorded_builds import Found, build_id

_TEXT = """\
# Imported: these builds were made by other tools, not by the lab. What is known of each one's
# origin is in run.json, under imported.
"""
_UNKNOWN = "unknown"
_WRITERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A build that is now in a run; ``build`` is None where that run had it already."""

    found: Found
    run: str
    build: Build | None


def _head(name: str, found: Found) -> Run:
    """The head of a run of this build."""
    return Run(
        id=store.new_id(name, datetime.fromtimestamp(found.started, UTC)),
        status="partial",
        scenario=ScenarioText(
            name=name, path=None, sha256=hashlib.sha256(_TEXT.encode()).hexdigest(), text=_TEXT
        ),
        host=HostFacts(),
        engines=(_engine(found.build.cell["engine"]),),
        seed=0,
        started=time_of_day(found.started),
        lab=__version__,
        imported=({**found.origin, "build": build_id(1)},),
        origin=Origin.of_words(found.origin),
    )


def _engine(name: str) -> EngineFacts:
    """What a file tells of its engine: the name."""
    builder = {"docker": "buildkit", "docker-classic": "classic", "podman": "buildah"}
    return EngineFacts(
        name=name,
        version=_UNKNOWN,
        api=_UNKNOWN,
        endpoint="imported",
        private=False,
        storage=_UNKNOWN,
        builder=builder[name],
    )


class Library:
    """The results folder as imports see it: which builds it holds already, and in which run."""

    def __init__(self, results: Path, name: str) -> None:
        self._results = results
        self._name = name
        self._held: dict[tuple[str, str], str] = {}
        self._together: str | None = None
        for folder, run in _imported(results):
            if run.options.together:
                if run.scenario.name == name:
                    self._together = folder.name
            elif runs.begun(folder):  # else it was stopped before its build
                self._held |= dict.fromkeys(_keys_of(run), folder.name)

    def keep(self, found: Iterable[Found]) -> Iterator[Kept]:
        """Store each build as a run of its own, unless there is one; tells them in their order.

        Several are under way at a time: a disk makes many files last in the time of one.
        """
        waiting: deque[tuple[Found, str | Future[Kept]]] = deque()
        begun: dict[tuple[str, str], Future[Kept]] = {}
        with ThreadPoolExecutor(_WRITERS) as pool:
            for one in found:
                keys = _keys(one.origin)
                held = next((self._held[key] for key in keys if key in self._held), None)
                same = next((begun[key] for key in keys if key in begun), None)
                if held is None and same is None:
                    new = pool.submit(self._keep, one)
                    begun |= dict.fromkeys(keys, new)
                    waiting.append((one, new))
                else:
                    waiting.append((one, held or same or ""))
                if len(waiting) > 4 * _WRITERS:
                    yield self._kept(*waiting.popleft(), begun)
            while waiting:
                yield self._kept(*waiting.popleft(), begun)

    def _kept(
        self,
        found: Found,
        place: str | Future[Kept],
        begun: dict[tuple[str, str], Future[Kept]],
    ) -> Kept:
        """Wait for one, and remember of it no more than where it is."""
        if isinstance(place, str):
            return Kept(found=found, run=place, build=None)
        one = place.result()
        for key in _keys(one.found.origin):
            self._held[key] = one.run
            begun.pop(key, None)
        return one if one.found is found else Kept(found=found, run=one.run, build=None)

    def _keep(self, found: Found) -> Kept:
        with store.create(self._results, _head(self._name, found), at_once=True) as writer:
            build = self._append(writer, found, 1)
            writer.finish("complete", finished=_end(found, build))
        return Kept(found=found, run=writer.run.id, build=build)

    def keep_together(self, found: Sequence[Found]) -> list[Kept]:
        """Store builds in the one run of this name, but for those that it has."""
        ordered = sorted(found, key=lambda one: one.started)
        with self._writer(ordered[0]) as writer:
            built = {build.id for build in writer.earlier}
            origins = [one for one in writer.run.imported if one.get("build") in built]
            held = {key for one in origins for key in _keys(one)}
            new: list[tuple[int, Found]] = []
            for one in ordered:
                if held.isdisjoint(_keys(one.origin)):
                    held |= set(_keys(one.origin))
                    new.append((len(built) + len(new) + 1, one))
            origins += [{**one.origin, "build": build_id(number)} for number, one in new]
            engines = {one.name: one for one in writer.run.engines}
            for _, one in new:
                engines.setdefault(one.build.cell["engine"], _engine(one.build.cell["engine"]))
            writer.amend(
                replace(writer.run, engines=tuple(engines.values()), imported=tuple(origins))
            )
            builds = {number: self._append(writer, one, number) for number, one in new}
            ends = [_end(one, builds[number]) for number, one in new]
            writer.finish("complete", finished=max([writer.run.started, *ends]))
        made = {id(one): builds[number] for number, one in new}
        return [Kept(found=one, run=writer.run.id, build=made.get(id(one))) for one in ordered]

    def _writer(self, first: Found) -> store.Writer:
        if self._together is not None:
            return store.resume(self._results / self._together, more=True)
        run = _head(self._name, first)
        together = RunOptions(together=True)
        return store.create(
            self._results, replace(run, imported=(), options=together, origin=Origin())
        )

    @staticmethod
    def _append(writer: store.Writer, found: Found, number: int) -> Build:
        build = replace(found.build, id=build_id(number), round=number)
        if found.output:
            writer.begin(build.id)
            for log in found.output:
                writer.raw(log.at, dump(own_log(log)))
        return writer.append(build, found.dockerfile, found.inputs)


def _end(found: Found, build: Build) -> str:
    return time_of_day(found.started + (build.wall_s or 0.0))


def _keys(origin: object) -> list[tuple[str, str]]:
    """What tells a build from all others: its place in its file, and its builder's reference."""
    if not isinstance(origin, Mapping):
        return []
    keys = [(str(origin.get("sha256")), str(origin.get("key")))]
    if reference := origin.get("reference"):
        keys.append(("reference", str(reference)))
    return keys


def _keys_of(run: Run) -> set[tuple[str, str]]:
    return {key for one in run.imported for key in _keys(one)}


def _imported(results: Path) -> Iterator[tuple[Path, Run]]:
    """The runs that hold imported builds, oldest first; what is corrupt is passed over."""
    for name in runs.runs(results):
        folder = results / name
        with suppress(OSError):  # taken away meanwhile, or not for us
            if b'"format"' not in (folder / runs.RUN_FILE).read_bytes():
                continue
        with suppress(LabError):
            run = runs.head(folder)
            if run.imported:
                yield folder, run
