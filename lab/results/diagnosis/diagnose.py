"""A run's builds against the good builds before them: what is different, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.model.events import Outcome
from lab.model.origin import Origin
from lab.model.record import Build, Run, Step
from lab.results import heads, runs
from lab.results.diagnosis.findings import Finding, Inspected, of_engine, of_step
from lab.results.diagnosis.output import Seen, StepOutput, outputs
from lab.results.diagnosis.profile import Profile, slow
from lab.results.diagnosis.secrets import masked
from lab.results.diagnosis.templates import Templates, clean, template
from lab.results.runs import StoredRun

EARLIER_RUNS = 20
_GOOD = 10
_ENOUGH = 2  # good builds, before anything is said of one that went well
_NOTHING = StepOutput()


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The first of the builds in a row that show a finding; ``others`` of ``looked`` builds before
    that row show it too: then it comes and goes.
    """

    run: str
    build: str
    started: str | None
    commit: str | None
    others: int
    looked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A finding of one cell's phase: in ``builds``, each by its id, and since when."""

    finding: Finding
    builds: tuple[str, ...]
    since: Since


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One cell and phase of a run: its builds, how many good ones they are compared with, and what
    was found, what to look at first at the front.
    """

    cell: Mapping[str, str]
    phase: str
    builds: int
    failed: int
    good: int
    shown: tuple[Shown, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Read:
    """A build with its run, and its output once it was asked for."""

    run: Run
    folder: Path
    build: Build
    templates: Templates
    _outputs: dict[int | None, StepOutput] | None = None

    def output(self, step: Step) -> StepOutput:
        """What this step printed."""
        if self._outputs is None:
            self._outputs = outputs(self.folder, self.build, self.templates)
        return self._outputs.get(step.index, _NOTHING)

    def ran(self, wanted: Step) -> Step | None:
        """The same step of this build, if it ran: that of the same text, or else of its place."""
        same = [s for s in self.build.steps if s.stage == wanted.stage]
        exact = [s for s in same if s.instruction == wanted.instruction]
        found = exact[0] if exact else next((s for s in same if s.index == wanted.index), None)
        return found if found and found.outcome in {Outcome.MISS, Outcome.FAILED} else None


@dataclass(slots=True)
class _Group:
    """Builds of one cell and phase, oldest first: of earlier runs, and of the run in question."""

    before: list[_Read] = field(default_factory=list)
    own: list[_Read] = field(default_factory=list)

    def good(self, target: _Read) -> list[_Read]:
        """What a build is compared with: earlier runs' good builds, or its own run's."""
        found = _quick([one for one in self.before if one.build.status == "ok"])
        if len(found) < _ENOUGH:
            found = _quick([o for o in self.own if o is not target and o.build.status == "ok"])
        return found[-_GOOD:]


def diagnose(
    stored: StoredRun, results: Path, *, against: StoredRun | None = None, part: str = ""
) -> Iterator[Diagnosis]:
    """Each cell and phase of a run, those that failed first.

    ``against`` is the run that good builds are taken from, instead of the latest runs of the same
    scenario in ``results``; ``part`` chooses builds by a part of their id.
    """
    templates = Templates()
    groups: dict[tuple[object, ...], _Group] = {}
    for build in stored.builds:
        if build.status in {"ok", "failed"} and part in build.id:
            group = groups.setdefault(_key(build), _Group())
            group.own.append(_Read(stored.run, stored.folder, build, templates))
    for other in [against] if against is not None else _earlier(stored, results):
        for build in other.builds:
            if build.status in {"ok", "failed"} and (same := groups.get(_key(build))):
                same.before.append(_Read(other.run, other.folder, build, templates))
    ordered = sorted(groups.values(), key=lambda one: all(o.build.status == "ok" for o in one.own))
    for group in ordered:
        yield _diagnosis(group)


def _key(build: Build) -> tuple[object, ...]:
    return (tuple(sorted(build.cell.items())), build.phase)


def _earlier(stored: StoredRun, results: Path) -> list[StoredRun]:
    """The latest runs of the same scenario before this one, oldest first."""
    found: list[StoredRun] = []
    for name in reversed(runs.runs(results)):
        folder = results / name
        if folder.resolve() == stored.folder.resolve() or len(found) >= EARLIER_RUNS:
            continue
        one = heads.head(folder)
        if one.scenario != stored.run.scenario.name or one.started >= stored.run.started:
            continue
        if (earlier := runs.readable(folder)) is not None:
            found.append(earlier)
    return sorted(found, key=lambda one: one.run.started)


def _quick(found: list[_Read]) -> list[_Read]:
    """Without those that took much longer than the quickest quarter: they may be what is sought."""
    walls = sorted(one.build.wall_s for one in found if one.build.wall_s is not None)
    if not walls:
        return found
    limit = 1.5 * walls[(len(walls) - 1) // 4] + 0.5
    return [one for one in found if one.build.wall_s is None or one.build.wall_s <= limit]


def _diagnosis(group: _Group) -> Diagnosis:
    merged: dict[tuple[object, ...], tuple[Finding, list[_Read]]] = {}
    least, silent = _GOOD, 0
    for target in group.own:
        good = group.good(target)
        least = min(least, len(good))
        for finding in _of_build(target, good):
            key = (finding.kind, finding.step, finding.template)
            kept, where = merged.get(key, (finding, []))
            merged[key] = (max(kept, finding, key=lambda one: one.score), [*where, target])
        silent += not runs.events_path(target.folder, target.build.id).exists()
    ordered = sorted(merged.values(), key=lambda one: (-_weight(*one), -one[0].score))
    first = group.own[0].build
    return Diagnosis(
        cell=first.cell,
        phase=first.phase,
        builds=len(group.own),
        failed=sum(one.build.status == "failed" for one in group.own),
        good=least,
        shown=tuple(_shown(finding, where, group) for finding, where in ordered),
        notes=(f"{silent} builds kept no output: of them only records tell",) if silent else (),
    )


def _weight(finding: Finding, where: Sequence[_Read]) -> float:
    """Failures first, whatever else is new in the builds that went well."""
    return finding.score // 10 * 10 if finding.kind == "failed" else finding.score - 10 / len(where)


def _of_build(target: _Read, good: Sequence[_Read]) -> Iterator[Finding]:
    build = target.build
    told = of_engine(build)
    if told is not None:
        yield told
    if build.status == "ok" and len(good) < _ENOUGH:
        return
    for step in build.steps:
        if step.outcome not in {Outcome.MISS, Outcome.FAILED}:
            continue
        ran = [(one, same) for one in good if (same := one.ran(step)) is not None]
        profile = Profile(
            outputs=[one.output(same) for one, same in ran],
            durations=[same.duration_s for _, same in ran if same.duration_s is not None],
        )
        inspected = Inspected(
            step=step,
            output=target.output(step),
            profile=profile if ran and (step.outcome is Outcome.FAILED or len(ran) > 1) else None,
            failed_build=build.status == "failed",
        )
        yield from of_step(inspected)


def _shown(finding: Finding, where: Sequence[_Read], group: _Group) -> Shown:
    line = group.before + group.own
    at = line.index(where[0])
    durations = _durations(finding, group.good(where[0]))
    has = _test(finding, durations)
    first, others, looked, unbroken = line[at], 0, 0, True
    for one in reversed(line[:at]):
        told = has(one)
        if told is None:
            continue
        looked += 1
        unbroken = unbroken and told
        if unbroken:
            first = one
        else:
            others += told
    since = Since(
        run=first.run.id,
        build=first.build.id,
        started=first.build.started or first.run.started,
        commit=commit(first.run, first.build),
        others=others,
        looked=looked,
    )
    text = None if finding.text is None else masked(finding.text)
    safe = replace(
        finding,
        text=text,
        detail=masked(finding.detail),
        template=masked(finding.template),
        instruction=masked(finding.instruction),
    )
    return Shown(finding=safe, builds=tuple(one.build.id for one in where), since=since)


def _durations(finding: Finding, good: Sequence[_Read]) -> list[float]:
    same = [step for one in good if (step := one.ran(_wanted(finding))) is not None]
    return [step.duration_s for step in same if step.duration_s is not None]


def _wanted(finding: Finding) -> Step:
    return Step(
        index=-1 if finding.step is None else finding.step,
        stage=finding.stage,
        instruction=finding.instruction,
        outcome=None,
    )


def _test(finding: Finding, durations: Sequence[float]) -> Callable[[_Read], bool | None]:
    """Says whether a build shows the finding; None where it cannot: the step did not run."""

    def has(one: _Read) -> bool | None:
        if finding.step is None:
            told = of_engine(one.build)
            return told is not None and told.template == finding.template
        step = one.ran(_wanted(finding))
        if step is None:
            return None
        if finding.kind == "slowed":
            return None if step.duration_s is None else slow(step.duration_s, durations) is not None
        if finding.text is None:
            said = template(clean(step.error or ""))
            return step.outcome is Outcome.FAILED and said == finding.template
        return _prints(finding, one.output(step).seen.get(finding.template))

    return has


def _prints(finding: Finding, seen: Seen | None) -> bool:
    """Whether a step's lines of the finding's template are as they are in it."""
    if seen is None or finding.kind == "missing":
        return (seen is None) == (finding.kind == "missing")
    if finding.kind == "version":
        return finding.text in seen.texts
    return finding.kind != "flood" or 2 * seen.count > finding.count


def commit(run: Run, build: Build) -> str | None:
    """The commit that a build was made of, where its run says it."""
    told = next((one for one in run.imported if one.get("build") == build.id), None)
    return (run.origin if told is None else Origin.of_words(told)).short
