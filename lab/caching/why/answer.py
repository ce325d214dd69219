"""Which steps a rebuild runs between two states, what causes it, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.caching.explain import Explanation, StepExplanation
from lab.caching.git.place import Place
from lab.caching.measured.fitting_run import fitting_run
from lab.caching.measured.step_times import Spread, step_times, total
from lab.caching.predict import Prediction
from lab.caching.predict.compare_builds import compare
from lab.caching.predict.limits import missing
from lab.caching.why.states import GIT, WORK_TREE, State, reading
from lab.dockerfile.cachekey import client_rules
from lab.host import git
from lab.host.own_folders import is_own
from lab.model.events import Outcome
from lab.results import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: ``before`` and ``after`` are commits or WORK_TREE, engines pairs of a name and
    a version. ``run`` is a run to take times from; None: the latest that fits.
    """

    place: Place
    before: str = "HEAD"
    after: str = WORK_TREE
    engines: Sequence[tuple[str, str]] = (("docker", ""),)
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    run: str | None = None
    results: Path = Path("results")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAnswer:
    """One engine's part. ``times`` are those of a run, by the instruction on one line."""

    engine: str
    explained: Explanation[Prediction]
    times: Mapping[str, Spread]

    @property
    def reported(self) -> tuple[StepExplanation, ...]:
        """The steps that the engine tells an outcome of."""
        told = {Outcome.HIT, Outcome.MISS}
        return tuple(one for one in self.explained.steps if one.step.outcome in told)

    @property
    def missed(self) -> tuple[StepExplanation, ...]:
        """The steps that run."""
        return tuple(one for one in self.reported if one.step.outcome is Outcome.MISS)

    @property
    def sure(self) -> tuple[StepExplanation, ...]:
        """The missed steps without those that are only assumed to run."""
        assumed = self.explained.build.assumed
        return tuple(one for one in self.missed if one.step.index not in assumed)

    def time(self, one: StepExplanation) -> Spread | None:
        """How long the step takes, None where nobody measured it."""
        return self.times.get(_recorded(one.step.instruction))

    @property
    def dearest(self) -> tuple[StepExplanation, Spread] | None:
        """The step whose causes cost most, with what it and those that only follow it cost; None
        where no time is known.
        """
        costs: dict[int, list[Spread]] = {}
        for one in self.missed:
            root = one.step.index if one.causes else next(iter(one.roots[-1:]), one.step.index)
            if (time := self.time(one)) is not None:
                costs.setdefault(root, []).append(time)
        sums = {root: cost for root, times in costs.items() if (cost := total(times)) is not None}
        if not sums:
            return None
        root = max(sums, key=lambda index: sums[index].median)
        return next(one for one in self.missed if one.step.index == root), sums[root]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How files that differ stand with git. ``unread``: no step reads them; ``kept_back``: the
    ignore file keeps them from being sent. ``shown`` and ``hidden`` are those that it kept back
    before and does not now, and the other way about. ``own`` is what the lab wrote, by its folder:
    a `docker build` by hand sends it, as it sends all that no ignore file names.
    """

    untracked: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    own: Mapping[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that is known. ``lines`` are the instructions' lines in the Dockerfile of ``after``."""

    dockerfile: str
    before: State
    after: State
    by_engine: tuple[EngineAnswer, ...]
    lines: Mapping[int, int]
    standing: Standing
    run: str | None

    @property
    def first(self) -> EngineAnswer:
        """The engine that was named first."""
        return self.by_engine[0]

    @property
    def lacking(self) -> tuple[str, ...]:
        """What steps copy and neither state has, as what is made before a build in CI."""
        rules = client_rules(self.first.engine)
        one, other = (
            {pattern for _, pattern in missing(state.inputs, rules)}
            for state in (self.before, self.after)
        )
        return tuple(sorted(one & other))

    def only_if(self, one: StepExplanation) -> str:
        """On what it hangs whether a step runs, where that is not sure."""
        build = self.first.explained.build
        if one.causes or one.step.index not in build.assumed:
            return ""
        if build.inputs.by_index[one.step.index].reads:
            return "only if what it copies comes out otherwise"
        return "only if the one before it runs"


def why(asked: Asked) -> Answer:
    """Answer without building. Raises InputError where a state cannot be read."""
    with reading(asked.place, asked.build_args, asked.target) as states:
        before, after = states.both(asked.before, asked.after)
    stored = _run(asked, after)
    builds = () if stored is None else stored.builds
    by_engine = tuple(
        EngineAnswer(
            engine=name,
            explained=compare(before.inputs, after.inputs, client_rules(name, version)),
            times=step_times(builds, name),
        )
        for name, version in asked.engines
    )
    return Answer(
        dockerfile=str(asked.place.dockerfile),
        before=before,
        after=after,
        by_engine=by_engine,
        lines={one.index: one.line for one in after.dockerfile.instructions},
        standing=_standing(asked, before, after, by_engine),
        run=None if stored is None else stored.run.id,
    )


def _run(asked: Asked, after: State) -> runs.StoredRun | None:
    if asked.run is not None:
        return runs.load(asked.run, asked.results)
    return fitting_run([_recorded(step.text) for step in after.inputs.steps], asked.results)


def _recorded(text: str) -> str:
    """An instruction as records have it: of a here-document its first line."""
    return " ".join(text.partition("\n")[0].split())


def _standing(
    asked: Asked, before: State, after: State, by_engine: Sequence[EngineAnswer]
) -> Standing:
    was, now = before.inputs.files, after.inputs.files
    differ = {path for path in was.keys() | now.keys() if was.get(path) != now.get(path)}
    folder = asked.place.folder
    ids = (before.commit, after.commit)
    known = set(git.paths(folder, "diff-tree", "-r", "--name-only", "--relative", *ids))
    untracked: set[str] = set()
    ignored: set[str] = set()
    if WORK_TREE in (asked.before, asked.after):
        known |= git.uncommitted(folder, asked.place.inside)
        untracked = set(git.paths(folder, "ls-files", "-o", "--exclude-standard"))
        ignored = set(git.paths(folder, "ls-files", "-o", "-i", "--exclude-standard"))
    read = {
        cause.subject
        for one in by_engine
        for step in one.explained.steps
        for cause in step.causes
        if cause.kind == "file"
    }
    told = {asked.place.path, GIT}  # the Dockerfile is read as such
    sent = was.keys() | now.keys()
    return Standing(
        untracked=frozenset(untracked & differ),
        ignored=frozenset(ignored & differ),
        own=dict(_own((untracked | ignored) & differ, folder, asked.results)),
        shown=frozenset((now.keys() - was.keys()) & before.kept_back),
        hidden=frozenset(_hidden(asked, was.keys() - now.keys(), after)),
        unread=tuple(sorted((differ - read - told) & (known | untracked | ignored))),
        kept_back=tuple(sorted((known | untracked) - sent - told)),
    )


def _own(paths: Iterable[str], folder: Path, results: Path) -> Iterator[tuple[str, str]]:
    """What the lab wrote, and the folder that holds it: a run's, or that of all runs."""
    known: dict[Path, bool] = {}
    for path in paths:
        for parent in list(Path(path).parents)[-2::-1]:  # from the outermost, not the context's own
            if parent not in known:
                there = (folder / parent).absolute()
                known[parent] = there == results.absolute() or is_own(there)
            if known[parent]:
                yield path, f"{parent}/"
                break


def _hidden(asked: Asked, gone: Iterable[str], after: State) -> Iterator[str]:
    """What is no longer sent, though it is still there."""
    here = asked.after == WORK_TREE
    for path in gone:
        if path in after.kept_back or (here and (asked.place.folder / path).is_file()):
            yield path
