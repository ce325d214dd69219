"""What one build printed that good builds do not: new, missing and slowed lines, best first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.model.events import Outcome
from lab.model.record import Build, Step
from lab.results.diagnosis.output import Seen, StepOutput
from lab.results.diagnosis.profile import Profile, slow
from lab.results.diagnosis.telling import loudness, telling
from lab.results.diagnosis.templates import clean, template, versions

Kind = Literal["failed", "new", "flood", "slowed", "version", "missing"]

_ENGINES_OWN = re.compile(r"subprocess exited with status \d+")  # buildah, in a RUN's output
_FLOOD = 20
_ENOUGH_MISSING = 3
_MOST_KNOWN = 5
# Places in the order of what to look at first.
_ORDER: Mapping[Kind, int] = {
    "failed": 100,
    "flood": 80,
    "slowed": 70,
    "version": 60,
    "new": 50,
    "missing": 20,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as in good builds. ``line`` counts the step's lines from 1; both it and
    ``text`` are None where the step printed nothing. ``template`` tells it in other builds.
    ``seconds`` is how much longer it took, ``count`` how many lines are like it.
    """

    kind: Kind
    step: int | None
    stage: str
    instruction: str
    template: str
    text: str | None
    line: int | None
    detail: str
    seconds: float | None = None
    count: int = 1
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One step of the build in question, with what it printed and what good builds do there."""

    step: Step
    output: StepOutput
    profile: Profile | None
    failed_build: bool

    @property
    def failed(self) -> bool:
        return self.step.outcome is Outcome.FAILED

    def finding(
        self,
        kind: Kind,
        template: str,
        text: str | None,
        line: int | None,
        detail: str,
        **more: float,
    ) -> Finding:
        """A finding of this step."""
        return Finding(
            kind=kind,
            step=self.step.index,
            stage=self.step.stage,
            instruction=self.step.instruction,
            template=template,
            text=text,
            line=line,
            detail=detail,
            seconds=more.get("seconds"),
            count=int(more.get("count", 1)),
            score=_ORDER[kind] + more.get("more", 0.0),
        )


def of_step(one: Inspected) -> Iterator[Finding]:
    """All that one step shows."""
    if one.failed:
        yield from _failure(one)
    if one.profile is None:
        return
    new = [(name, seen) for name, seen in one.output.seen.items() if not one.profile.knows(name)]
    if not one.failed:
        yield from _news(one, new)
    yield from _slowed(one, one.profile)
    yield from _floods(one, one.profile)
    yield from _versions(one, one.profile)
    if not one.failed_build:
        yield from _missing(one, one.profile)


def _failure(one: Inspected) -> Iterator[Finding]:
    """The lines that tell most of a failed step: new ones that speak of an error.

    Where none does, the last new line; where all are known or there is nothing to compare with,
    those that speak of an error; else the last one, or what the engine said.
    """
    profile = one.profile
    lines = [
        (name, seen)
        for name, seen in one.output.seen.items()
        if not _ENGINES_OWN.fullmatch(seen.text)
    ]
    new = [each for each in lines if profile is not None and not profile.knows(each[0])]
    picked = telling(new) or new[-1:]
    detail = clean(one.step.error or "the step failed")
    if picked:
        detail += "; no good build prints it"
    else:
        picked = telling(lines) or lines[-1:]
    if not picked and one.output.lines:
        number, text = one.output.last
        picked = [(template(text), Seen(number, text, 0.0, 1))]
    for place, (name, seen) in enumerate(picked[:5]):
        yield one.finding(
            "failed", name, seen.whole, seen.number, detail, count=seen.count, more=-place
        )
    if not picked:
        yield one.finding("failed", template(detail), None, None, detail)


def _news(one: Inspected, new: list[tuple[str, Seen]]) -> Iterator[Finding]:
    """New lines of a step that went well: errors and warnings, and what comes in numbers."""
    loud = [(rank, n, s) for n, s in new if (rank := loudness(s.text))]
    if loud:
        rank, name, first = max(loud, key=lambda each: (each[0], -each[2].number))
        count, lines = sum(s.count for _, _, s in loud), sum(s.count for _, s in new)
        if lines >= _FLOOD:
            _, name, first = max(loud, key=lambda each: each[2].count)
            more = f"{lines} lines that no good build prints, {count} of them warnings or errors"
            yield one.finding("flood", name, first.text, first.number, more, count=count)
        else:
            more = f"no good build prints it; {count} such lines" if count > 1 else _NEW
            yield one.finding("new", name, first.text, first.number, more, count=count, more=rank)
        return
    many = [(n, s) for n, s in new if s.count >= _FLOOD]
    if many:
        name, first = many[0]
        more = f"{first.count} lines like it, in no good build"
        yield one.finding("flood", name, first.text, first.number, more, count=first.count)


_NEW = "no good build prints it"


def _slowed(one: Inspected, profile: Profile) -> Iterator[Finding]:
    if one.step.duration_s is None:
        return
    excess = slow(one.step.duration_s, profile.durations)
    if excess is None:
        return
    waits = [
        (seen.gap_s - profile.waits(name), name, seen) for name, seen in one.output.seen.items()
    ]
    gap, name, seen = max(waits, default=(0.0, "", None), key=lambda each: each[0])
    if seen is None or gap < 0.3 * excess:
        detail = "slower in all of its lines" if one.output.lines else "it printed nothing"
        yield one.finding("slowed", name, None, None, detail, seconds=excess)
        return
    longest, number, text, after = seen.longest
    detail = (
        f"{longest:.1f} s until {after!r}" if seen.count == 1 else f"of {seen.count} such lines"
    )
    yield one.finding("slowed", name, text, number, detail, seconds=gap)


def _floods(one: Inspected, profile: Profile) -> Iterator[Finding]:
    for name, seen in one.output.seen.items():
        most = profile.most(name)
        if most and seen.count > 10 * most + _FLOOD:
            detail = f"{seen.count} lines like it; at most {most} in a good build"
            yield one.finding("flood", name, seen.text, seen.number, detail, count=seen.count)


def _versions(one: Inspected, profile: Profile) -> Iterator[Finding]:
    for name, seen in one.output.seen.items():
        before = profile.texts(name)
        if not before or seen.texts.keys() <= before.keys():
            continue
        known = {versions(text) for text in before}
        if len(known) > _MOST_KNOWN:
            continue  # a line with as many versions as builds tells nothing
        for text, number in seen.texts.items():
            if (now := versions(text)) not in known:
                pairs = zip(max(known), now, strict=False)
                changed = ", ".join(f"{was} -> {is_}" for was, is_ in pairs if was != is_)
                yield one.finding("version", name, text, number, changed, more=-number / 1e6)
                break


def _missing(one: Inspected, profile: Profile) -> Iterator[Finding]:
    """Lines that every good build has, but this step, which ran to its end, has not."""
    if one.failed or len(profile.outputs) < _ENOUGH_MISSING:
        return
    gone = [(n, s) for n, s in profile.always() if n not in one.output.seen]
    if gone and one.output.lines:
        name, seen = gone[0]
        detail = f"{len(gone)} lines that every good build prints are missing"
        yield one.finding("missing", name, seen.text, None, detail, count=len(gone))


def of_engine(build: Build) -> Finding | None:
    """The failure of a build in which no step failed: what the engine itself said."""
    if build.status != "failed" or any(step.outcome is Outcome.FAILED for step in build.steps):
        return None
    said = clean((build.reason or "the engine gave no reason").partition("\n")[0])
    return Finding(
        kind="failed",
        step=None,
        stage="",
        instruction="",
        template=template(said),
        text=said,
        line=None,
        detail="the engine said so",
        score=_ORDER["failed"],
    )
