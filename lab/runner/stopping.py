"""Which trials are still wanted: rounds go on until every comparison is decided or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields

from lab.model.errors import InputError
from lab.model.record import Build, Run
from lab.results import comparison, question
from lab.results.comparison_verdicts import asked_of
from lab.results.stats import Verdict
from lab.results.table import Measure
from lab.scenario.model import Scenario
from lab.scenario.plan import Trial


class Sampling:
    """Is shown every build, and says of every trial whether it is still wanted.

    ``tell`` is given the comparisons that are open whenever they have been looked at. ``ended``
    says afterwards why rounds were left out; None where none were.
    """

    def __init__(
        self,
        scenario: Scenario,
        earlier: Sequence[Build],
        *,
        budget: float | None = None,
        tell: Callable[[Sequence[str]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        baseline: str | None = None,
    ) -> None:
        self.ended: str | None = None
        self._until, self._scenario = scenario.until, scenario
        self._asked = asked_of(scenario.run_options, scenario.seed)
        self._builds = {build.id: build for build in earlier}
        self._budget, self._clock, self._start = budget, clock, clock()
        self._tell, self._baseline = tell, baseline
        self._round: int | None = None
        self._open: frozenset[tuple[tuple[str, str], ...]] | None = None  # cells; None: all of them

    def see(self, build: Build) -> None:
        """A build has ended."""
        self._builds[build.id] = build

    def wanted(self, trial: Trial) -> bool:
        """Whether the trial must run: it is asked before each one, in their order."""
        if self._budget is not None and self._clock() - self._start >= self._budget:
            self.ended = self.ended or f"the budget was spent in round {trial.round}"
            return False
        if self._until is None or trial.warm_up:
            return True
        if trial.round != self._round:
            self._round = trial.round
            if trial.round > self._until.least and self._open != frozenset():
                self._look()
        if self._open is None or tuple(trial.cell.axes.items()) in self._open:
            return True
        if not self._open and self.ended is None:
            why = "every comparison was decided" if self._measured else "no build went well"
            self.ended = f"{why} before round {trial.round}"
        return False

    @property
    def _measured(self) -> bool:
        return any(build.status == "ok" for build in self._builds.values())

    def _look(self) -> None:
        builds = [build for build in self._builds.values() if not build.warm_up]
        everything = list(self._builds.values())  # as the report takes axis, columns and baseline
        asked = question.of(everything, self._scenario.axes, self._baseline)
        axis = asked.axis
        if len(asked.columns) < 2:
            self._look_at_one(builds)
            return
        table = comparison.table(
            builds,
            axis=axis,
            columns=asked.columns,
            baseline=asked.baseline,
            asked=self._asked,
        )
        names, cells = [], set()
        for group in table.groups:
            for rows in group.phases:
                base = next(one for one in rows.measures if one.column == table.baseline)
                for measure in rows.measures:
                    if measure is base or not _open(measure, base, self._metric):
                        continue
                    names.append(f"{measure.column} {rows.phase}")
                    cells |= {(frozenset(group.cell.items()), measure.column)}
                    cells |= {(frozenset(group.cell.items()), table.baseline or "")}
        self._open = frozenset(
            tuple(build.cell.items())
            for build in builds
            if (frozenset((k, v) for k, v in build.cell.items() if k != axis), build.cell[axis])
            in cells
        )
        if self._measured:
            self._tell(names)

    def _look_at_one(self, builds: Sequence[Build]) -> None:
        """With nothing to compare, the median's own interval is what must get narrow."""
        assert self._until is not None  # noqa: S101 (only then it is looked; for the type checker)
        limit = (1 + self._until.margin) ** 2
        axis = comparison.ENGINE_AXIS
        table = comparison.table(builds, axis=axis, columns=comparison.values(builds, axis))
        names = []
        for group in table.groups:
            for rows in group.phases:
                for one in rows.measures:
                    found = one.wall if self._metric == "wall" else one.cpu
                    if found and (not found.interval or found.interval[1] > limit * found.low):
                        names.append(f"{one.column} {rows.phase}")
        self._open = None if names else frozenset()
        self._tell(names)

    @property
    def _metric(self) -> str:
        return "wall" if self._until is None else self._until.metric


def _open(measure: Measure, base: Measure, metric: str) -> bool:
    """Whether further rounds may yet decide it: also where all rounds so far were disturbed."""
    found = measure.versus if metric == "wall" else measure.cpu_versus
    if found is None:
        values = (one.wall if metric == "wall" else one.cpu for one in (measure, base))
        return None not in list(values)  # what nobody measures no round will decide
    return found.verdict is Verdict.UNDECIDED


def same_host(before: Run, now: Run) -> None:
    """Refuse rounds that would be of another machine. Raises InputError with what differs."""
    engines = {one.name: one for one in before.engines}
    found = [_differences("host", asdict(before.host), asdict(now.host))]
    for engine in now.engines:
        old = engines.get(engine.name)
        if old is None:
            found.append([f"engine {engine.name}: not in the run before"])
            continue
        facts = [{f.name: getattr(one, f.name) for f in fields(one)} for one in (old, engine)]
        for one in facts:
            del one["endpoint"]  # a private engine's is new each time
            del one["local"]  # its host says more, and an old record does not have it
            one["host"] = None
        found.append(_differences(f"engine {engine.name}", *facts))
        found.append(_differences(f"{engine.name}'s host", asdict(old.host), asdict(engine.host)))
    digests = [{str(b.get("name")): b.get("digest") for b in run.bases} for run in (before, now)]
    found.append(_differences("base", *digests))
    unlike = "; ".join(text for part in found for text in part)
    if unlike:
        raise InputError(
            f"run {before.id} cannot be appended to, its rounds would not be comparable: {unlike}",
            remedy="run the scenario anew, and compare the runs",
        )


def _differences(what: str, before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [
        f"{what} {name}: {before.get(name)} then, {now.get(name)} now"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    ]
