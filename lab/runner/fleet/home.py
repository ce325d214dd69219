"""A run over a fleet, seen from home: trials go out, records come back and are on disk at once."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from queue import Empty
from typing import Any

from lab.dockerfile.cachekey import CacheInputs
from lab.model import units
from lab.model.errors import EngineLost
from lab.model.record import Build
from lab.results import store
from lab.runner import build_record, runner
from lab.runner.fleet.hosts import Asked, Host, Hosts, News
from lab.runner.fleet.placement import Group
from lab.scenario.plan import Phase, Trial

WAITING = 60.0  # seconds that a run waits for a worker that can go on with it
AHEAD = 2  # trials that a slot has been asked for at a time: the next one waits at the worker


@dataclass(slots=True, kw_only=True)
class Home:
    """Hands trials of ``groups`` to ``hosts`` and keeps what they say.

    ``attempts`` is how often a trial is begun at most; each lost build is a record. ``join`` is
    told of a host that is there from now on, and says in each group whether it can build it.
    """

    hosts: Hosts
    groups: Sequence[Group]
    writer: store.Writer
    attempts: int
    wanted: Callable[[Trial], bool]
    see: Callable[[runner.RunEvent], None]
    stored: Callable[[Build], None]
    warn: Callable[[str], None]
    join: Callable[[Host], None]
    there: dict[str, Host] = field(default_factory=dict)
    _builds: dict[str, tuple[Trial, Phase]] = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)  # a trial's first id -> attempts
    _started: set[str] = field(default_factory=set)  # ids of builds that are going on
    _failed: list[str] = field(default_factory=list)
    _recorded: set[str] = field(default_factory=set)
    _alone: float = 0.0
    _brought: int = 0

    def __post_init__(self) -> None:
        """Of a run that goes on, what was begun and what is done."""
        for build in self.writer.earlier:
            self._note(build)

    def drive(self) -> None:
        """Until every trial is done. Raises EngineLost where builds stay lost."""
        self._alone = time.monotonic()
        while self._pending():
            with suppress(Empty):
                self._hear(self.hosts.news.get(timeout=0.5))
                for _ in range(self.hosts.news.qsize()):
                    self._hear(self.hosts.news.get_nowait())
            self.writer.sync()
            for host in list(self.there.values()):
                self._fill(host)
            self._see_that_it_goes_on()
        if self._failed:
            raise EngineLost(
                f"lost {units.counted(len(self._failed), 'build')}, the first: {self._failed[0]}",
                remedy="see that the workers run",
            )

    def _pending(self) -> bool:
        return any(one.trials for one in self.groups) or any(
            one.asked for one in self.there.values()
        )

    def _see_that_it_goes_on(self) -> None:
        if self.hosts.brought != self._brought or any(one.asked for one in self.there.values()):
            self._alone, self._brought = time.monotonic(), self.hosts.brought
        elif self._pending() and time.monotonic() - self._alone > WAITING:
            refused = self.hosts.refused
            raise EngineLost(
                f"for {WAITING:g} s no worker could go on" + (f" ({refused})" if refused else ""),
                remedy="start one that can build what is left",
            )

    def _fill(self, host: Host) -> None:
        asked: list[Asked] = []
        while len(host.asked) + len(asked) < AHEAD * host.slots:
            trial = self._next(host)
            if trial is None:
                break
            self._builds |= {trial.build_id(phase): (trial, phase) for phase in trial.phases}
            asked.append(Asked(_place(trial), trial, self._attempt(trial)))
        if asked:
            self.hosts.ask(host, asked)

    def _attempt(self, trial: Trial) -> int:
        """Which one it would be if it began now."""
        return self._begun.get(_first(trial), 0) + 1

    def _next(self, host: Host) -> Trial | None:
        """The next trial of a group that the host has begun, or else of one that nobody has."""
        while True:
            own = [one for one in self.groups if one.host == host.name and one.trials]
            group = min(own, key=lambda one: one.trials[0].first, default=None)
            if group is None:
                group = next(
                    (
                        one
                        for one in self.groups
                        if one.host is None and one.trials and host.name in one.hosts
                    ),
                    None,
                )
            if group is None:
                return None
            trial = group.trials.popleft()
            if not trial.done(self._recorded) and self.wanted(trial):
                self._take_over(group, host)
                return trial

    def _take_over(self, group: Group, host: Host) -> None:
        if group.host is None and group.before not in (None, host.name):
            self.warn(
                f"{', '.join(cell.words for cell in group.cells)}: rounds before were built on "
                f"{group.before}, those from here on on {host.name}"
            )
        group.host = group.before = host.name

    def _hear(self, news: News) -> None:
        host = news.host
        if news.joined:
            for line in news.lines:  # of an earlier home of this run, which is gone
                self._left(host, line)
            if host.epoch == news.epoch:
                self.join(host)
                self.there[host.name] = host
            return
        if news.lost is not None:
            if self.there.get(host.name) is host:
                del self.there[host.name]
            self._lose(host, list(host.asked), news.lost)
            for group in self.groups:
                if group.host == host.name:
                    group.host = None
            return
        if self.there.get(host.name) is host and host.epoch == news.epoch:
            for line in news.lines:
                self._line(host, line[0], json.loads(line[1:]))

    def _line(self, host: Host, kind: str, told: Mapping[str, Any]) -> None:
        if kind == "S" and told["id"] in self._builds:
            trial, phase = self._builds[told["id"]]
            self._started.add(told["id"])
            if phase is trial.phases[0]:
                self._begun[told["id"]] = host.asked[_place(trial)].attempt
            self.see(
                runner.BuildStarted(
                    build_id=told["id"],
                    trial=trial,
                    phase=phase,
                    dockerfile=trial.built_from.dockerfile,
                    host=host.name,
                )
            )
        elif kind == "B" and told["build"]["id"] in self._builds:
            self._keep(host, told)
        elif kind == "E":
            asked = host.asked.get(told["place"])
            if "lost" not in told and asked is not None and not asked.trial.done(self._recorded):
                told = {**told, "lost": "a build of it has no record"}
            if "lost" in told:
                self._lose(host, [told["place"]], told["lost"], counted=True)
            ended = host.asked.pop(told["place"], None)
            if ended is not None:
                for phase in ended.trial.phases:
                    self._builds.pop(ended.trial.build_id(phase), None)

    def _left(self, host: Host, line: str) -> None:
        """A record that a home which is gone had asked for and may not have got.

        One of a trial that has begun anew since is refused.
        """
        if line[0] == "B":
            told = json.loads(line[1:])
            known = self._recorded | self._builds.keys()
            if told["build"]["id"] not in known:
                self._keep(host, told)

    def _note(self, build: Build) -> None:
        if build.attempt is not None:
            self._begun[build.id] = max(build.attempt, self._begun.get(build.id, 0))
        (self._recorded.discard if build.status == "engine-lost" else self._recorded.add)(build.id)

    def _keep(self, host: Host, told: Mapping[str, Any]) -> None:
        build = replace(Build.from_json(told["build"]), host=host.name)
        self._started.discard(build.id)
        if told["raw"]:
            self.writer.begin(build.id)
            for at, data in _messages(told["raw"]):
                self.writer.raw(at, data)
        if "context" in told:
            self.writer.keep_context(build.id, BytesIO(base64.b64decode(told["context"])))
        manifest = told["manifest"] and CacheInputs.from_json(told["manifest"])
        self._append(build, told["dockerfile"], manifest or None)

    def _append(
        self, build: Build, text: str | None = None, manifest: CacheInputs | None = None
    ) -> None:
        kept = self.writer.append(build, text, manifest, held=True)
        self._note(kept)
        self.stored(kept)
        self.see(runner.BuildFinished(build=kept, dockerfile=text, manifest=manifest))

    def _lose(self, host: Host, places: Sequence[int], why: str, *, counted: bool = False) -> None:
        """Say which builds are lost, and try their trials again while that may help.

        ``counted``: it was the trial's fault, even where no build of it had begun.
        """
        for place in sorted(places, reverse=True):  # each goes to the front of its group
            asked = host.asked.pop(place, None)
            if asked is None:
                continue
            trial = asked.trial
            for phase in trial.phases:
                if trial.build_id(phase) in self._started:
                    self._started.remove(trial.build_id(phase))
                    gone = build_record.unbuilt(trial, phase, "engine-lost", f"{host.name}: {why}")
                    self._append(replace(gone, host=host.name, attempt=asked.attempt))
            if counted:
                self._begun[_first(trial)] = asked.attempt
            if self._attempt(trial) <= self.attempts:
                self._group(trial).trials.appendleft(trial)
            else:
                self._failed.append(f"{_first(trial)} on {host.name}: {why}")

    def _group(self, trial: Trial) -> Group:
        return next(one for one in self.groups if trial.cell in one.cells)


def _first(trial: Trial) -> str:
    """What a trial is known by: the id of its first build."""
    return trial.build_id(trial.phases[0])


def _place(trial: Trial) -> int:
    """Which one of the run's trials it is, from 0 on."""
    return (trial.first - 1) // len(trial.phases)


def _messages(packed: str) -> Iterator[tuple[float, bytes]]:
    for line in zlib.decompress(base64.b64decode(packed)).split(b"\n")[:-1]:
        at, _, data = line.partition(b" ")
        yield float(at), data
