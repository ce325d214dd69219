"""What each instruction cost in a run's builds, and what it is expected to cost a commit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.caching.cost.rebuilds import Rebuilds
from lab.caching.measured.step_times import Spread, counted
from lab.host.monitor import fitness
from lab.model.events import Outcome
from lab.model.record import Build, Step

COLD = "cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One instruction. Of ``took`` and ``share`` (of the wall time) are the builds that ran it, of
    the cold ones alone where there are any; ``reused`` is what a hit of it took. ``missed`` of
    ``builds`` that were not cold ran it, in ``phases`` by what was done before. ``rebuilt``
    counts commits, ``surely`` those that need no stage to come out otherwise. None: nobody knows.
    """

    text: str
    stage: str
    line: int | None = None
    took: Spread | None = None
    share: Spread | None = None
    reused: Spread | None = None
    layer: Spread | None = None
    missed: int = 0
    builds: int = 0
    phases: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rebuilt: int | None = None
    surely: int | None = None
    commits: int | None = None

    @property
    def per_commit(self) -> float | None:
        """Seconds that a commit is expected to spend on it."""
        return self._each(self.rebuilt)

    @property
    def per_commit_least(self) -> float | None:
        """The same of what is sure."""
        return self._each(self.surely)

    def _each(self, count: int | None) -> float | None:
        if self.took is None or count is None or not self.commits:
            return None
        return self.took.median * count / self.commits


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """All instructions, slowest first; those without a time by how often they are rebuilt.

    ``wall`` is of the builds that ``took`` is of, ``cold`` whether those passed the cache over.
    ``unfit`` of ``builds`` were disturbed: they are left out where half of them are not.
    """

    engine: str
    lines: tuple[Line, ...]
    wall: Spread | None
    cold: bool
    commits: int | None
    unfit: int = 0
    builds: int = 0

    @property
    def left_out(self) -> bool:
        """Whether the disturbed builds are in no figure."""
        return 0 < self.unfit <= self.builds * (1 - fitness.ENOUGH)

    @property
    def per_commit(self) -> float | None:
        """Seconds of steps that a commit is expected to cost, as far as their times are known."""
        known = [one.per_commit for one in self.lines if one.per_commit is not None]
        return sum(known) if known else None

    @property
    def per_commit_least(self) -> float | None:
        """The same of what is sure."""
        known = [one.per_commit_least for one in self.lines if one.per_commit_least is not None]
        return sum(known) if known else None


@dataclass(slots=True)
class _Samples:
    text: str
    stage: str
    took: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    took_warm: list[float] = field(default_factory=list)
    share_warm: list[float] = field(default_factory=list)
    reused: list[float] = field(default_factory=list)
    layer: list[float] = field(default_factory=list)
    phases: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, step: Step, build: Build) -> None:
        cold, ran = build.phase == COLD, step.outcome is Outcome.MISS
        if not cold and step.outcome in {Outcome.HIT, Outcome.MISS}:
            missed, builds = self.phases.get(build.phase, (0, 0))
            self.phases[build.phase] = (missed + ran, builds + 1)
        if step.layer_bytes is not None:
            self.layer.append(step.layer_bytes)
        if step.duration_s is None:
            return
        if not ran:
            if step.outcome is Outcome.HIT:
                self.reused.append(step.duration_s)
            return
        (self.took if cold else self.took_warm).append(step.duration_s)
        if build.wall_s:
            shares = self.share if cold else self.share_warm
            shares.append(step.duration_s / build.wall_s)


def cost(
    builds: Iterable[Build],
    engine: str,
    *,
    texts: Mapping[str, int | None] | None = None,
    history: Rebuilds | None = None,
) -> Cost:
    """The cost of each instruction in an engine's builds that ended well, and over a history.

    ``texts`` are the Dockerfile's instructions on one line, with their lines, where it is known:
    those alone are told. An instruction that an edit of the run wrote anew counts for the one in
    whose place it stands.
    """
    chosen = [
        one
        for one in builds
        if one.cell.get("engine") == engine and one.status == "ok" and not one.warm_up
    ]
    every, unfit = len(chosen), sum(not fitness.is_fit(one.fit) for one in chosen)
    chosen = list(counted(chosen))
    cold = any(one.phase == COLD for one in chosen)
    found = _samples(chosen)
    if texts is not None:
        found = {text: found.get(text) or _Samples(text, "") for text in texts}
    lines = [_line(one, cold, (texts or {}).get(text), history) for text, one in found.items()]
    walls = [one.wall_s for one in chosen if one.wall_s and (one.phase == COLD or not cold)]
    return Cost(
        engine=engine,
        lines=tuple(sorted(lines, key=_slowest_first)),
        wall=Spread.of(walls) if walls else None,
        cold=cold,
        commits=None if history is None else history.commits,
        unfit=unfit,
        builds=every,
    )


def _samples(builds: Sequence[Build]) -> dict[str, _Samples]:
    found: dict[str, _Samples] = {}
    places: dict[tuple[tuple[tuple[str, str], ...], int], dict[int, str]] = {}
    for build in builds:
        key = (tuple(sorted(build.cell.items())), len(build.steps))
        known = places.setdefault(key, {step.index: _plain(step) for step in build.steps})
        for step in build.steps:
            text = _plain(step)
            if text not in found:
                text = known.get(step.index, text)
            if step.counted or step.outcome in {Outcome.HIT, Outcome.MISS}:
                found.setdefault(text, _Samples(text, step.stage)).add(step, build)
    return found


def _plain(step: Step) -> str:
    return " ".join(step.instruction.split())


def _line(one: _Samples, cold: bool, line: int | None, history: Rebuilds | None) -> Line:
    took, share = (one.took, one.share) if cold else (one.took_warm, one.share_warm)
    return Line(
        text=one.text,
        stage=one.stage,
        line=line,
        took=_spread(took),
        share=_spread(share),
        reused=_spread(one.reused),
        layer=_spread(one.layer),
        missed=sum(missed for missed, _ in one.phases.values()),
        builds=sum(builds for _, builds in one.phases.values()),
        phases=one.phases,
        rebuilt=None if history is None else history.counts.get(one.text),
        surely=None if history is None else history.sure.get(one.text),
        commits=None if history is None else history.commits,
    )


def _spread(samples: Sequence[float]) -> Spread | None:
    return Spread.of(samples) if samples else None


def _slowest_first(one: Line) -> tuple[float, int, int]:
    took = 0.0 if one.took is None else one.took.median
    return (-took, -(one.rebuilt or 0), one.line or 0)
