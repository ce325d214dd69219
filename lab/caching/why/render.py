"""The answer as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from lab.caching.explain import StepExplanation
from lab.caching.explain.render import steps_as_json
from lab.caching.measured.step_times import between, ranged, total
from lab.caching.why.answer import Answer, EngineAnswer
from lab.caching.why.reasons import reasons
from lab.dockerfile.instruction_text import short
from lab.model import units
from lab.model.record import HIT_RATE_KEYWORDS
from lab.model.text_wrap import wrapped

SCHEMA = "lab.why/1"
SHOWN = 12  # steps of one engine
NAME = 44  # columns of an instruction


def lines(answer: Answer) -> Iterator[str]:
    """What matters first, then each step that runs, then what else was looked at."""
    first = answer.first
    yield from wrapped(sentence(answer, first), hang=0)
    if first.missed:
        yield from wrapped(price(answer, first), hang=0)
        yield ""
        yield from _steps(answer, first)
        yield ""
    for other in answer.by_engine[1:]:
        yield from wrapped(beside(answer, other), hang=0)
    yield from _notes(answer)


def sentence(answer: Answer, one: EngineAnswer) -> str:
    """What one engine reruns, and why first."""
    steps = units.counted(len(one.reported), "step")
    if not one.missed:
        return (
            f"Nothing misses: all {steps} of {answer.dockerfile} come from the cache of "
            f"{_name(one)}. Nothing that they read differs between {answer.before.name} and "
            f"{answer.after.name}."
        )
    first = one.missed[0]
    because = "; ".join(reasons(first.causes, answer.standing)[:2]) or first.text
    return (
        f"{_name(one)} reruns {_count(one)} of {steps}, first "
        f"{_short(first)}{_place(answer, first)}: {because}."
    )


def _count(one: EngineAnswer) -> str:
    """How many steps run: a range where it hangs on what comes out of a stage."""
    sure, most = len(one.sure), len(one.missed)
    return f"{most}" if sure == most else f"{sure} to {most}"


def price(answer: Answer, one: EngineAnswer) -> str:
    """What that costs, where a run has times."""
    known = [time for part in one.missed if (time := one.time(part))]
    every = [time for part in one.reported if (time := one.time(part))]
    cost, whole = total(known), total(every)
    if cost is None or whole is None:
        if answer.run is not None:
            timed = [other.engine for other in answer.by_engine if other.times]
            if timed and one.engine not in timed:
                return (
                    f"Run {answer.run} has times of {' and '.join(timed)} alone: "
                    f"`lab why --engine {timed[0]}` tells what that costs."
                )
            return f"Run {answer.run} has no time of these steps: they are only counted."
        return (
            "No run of this Dockerfile is known, so the steps are only counted; after "
            f"`lab run --dockerfile {answer.dockerfile}` they have times too."
        )
    lacking = len(one.missed) - len(known)
    more = "" if not lacking else f", without {units.counted(lacking, 'step')} of unknown time"
    least = total([time for part in one.sure if (time := one.time(part))])

    low = cost.median if least is None else least.median
    about = between(low, cost.median, units.seconds)
    return (
        f"That costs about {about} of {units.seconds(whole.median)} "
        f"({ranged(cost, units.seconds)}{more}; times of run {answer.run}).{_most(answer, one)}"
    )


def _most(answer: Answer, one: EngineAnswer) -> str:
    """Where the first step that misses is not the one that costs most, the one that does."""
    found = one.dearest
    if found is None or found[0] is one.missed[0]:
        return ""
    part, cost = found
    because = "; ".join(reasons(part.causes, answer.standing)[:1])
    return (
        f" Most of it, {units.seconds(cost.median)}, follows from {_short(part)}"
        f"{_place(answer, part)}: {because}."
    )


def _steps(answer: Answer, one: EngineAnswer) -> Iterator[str]:
    shown = one.missed[:SHOWN]
    times = [_time(one, part) for part in shown]
    room = 80 - 13 - max(map(len, times))
    width = min(NAME, room, max(len(_short(part)) for part in shown))
    for part, time in zip(shown, times, strict=True):
        yield f"  {_line(answer, part):9}{_short(part, width):{width}}  {time}".rstrip()
        for text in reasons(part.causes, answer.standing):
            yield from wrapped(f"{'':13}{text}", hang=15)
        if text := answer.only_if(part):
            yield f"{'':13}{text}"
    if len(one.missed) > SHOWN:
        yield f"  and {len(one.missed) - SHOWN} more"


def _time(one: EngineAnswer, part: StepExplanation) -> str:
    time = one.time(part)
    return "" if time is None else f"{units.seconds(time.median)} ({ranged(time, units.seconds)})"


def beside(answer: Answer, one: EngineAnswer) -> str:
    """Another engine than the first, in a sentence."""

    def ran(which: EngineAnswer) -> list[int]:  # what is instructed besides takes no time
        missed = (part.step for part in which.missed)
        return [s.index for s in missed if s.instruction.split(None, 1)[0] in HIT_RATE_KEYWORDS]

    if ran(one) == ran(answer.first):
        return f"{_name(one)}: the same."
    return sentence(answer, one)


def _notes(answer: Answer) -> Iterator[str]:
    standing, missed = answer.standing, answer.first.missed
    if missed:
        text = f"Compared: {answer.before.name} with {answer.after.name}, by the cache's rules;"
        yield from wrapped(f"{text} nothing was built.", hang=0)
    else:
        for paths, why in (
            (standing.kept_back, "the ignore file keeps back"),
            (standing.unread, "no step reads"),
        ):
            if paths:
                named = ", ".join(paths[:4]) + (" …" if len(paths) > 4 else "")
                count = "What differs" if len(paths) == 1 else f"{len(paths)} files that differ"
                yield from wrapped(f"{count}, {why}: {named}.", hang=0)
        yield from wrapped(
            "If yours missed all the same: its base image moved, a build argument was another, or "
            "the cache was cleared.",
            hang=0,
        )
    if answer.lacking:
        names = f"{', '.join(answer.lacking[:3])}{' …' if len(answer.lacking) > 3 else ''}"
        yield from wrapped(
            f"Neither has {names}: steps that copy it are only compared by the rest.", hang=0
        )
    if answer.after.sends_git and answer.before.commit == answer.after.commit:
        yield from wrapped(
            "The context holds .git: each commit, fetch or git add makes steps that copy it miss. "
            "Name it in .dockerignore.",
            hang=0,
        )


def _name(one: EngineAnswer) -> str:
    return one.engine[:1].upper() + one.engine[1:]


def _short(part: StepExplanation, width: int = NAME) -> str:
    return short(part.step.instruction, width)


def _line(answer: Answer, part: StepExplanation) -> str:
    found = answer.lines.get(part.step.index)
    return "" if found is None else f"line {found}"


def _place(answer: Answer, part: StepExplanation) -> str:
    found = _line(answer, part)
    return f" ({found})" if found else ""


def as_json(answer: Answer) -> dict[str, Any]:
    """The same for programs; seconds."""
    return {
        "schema": SCHEMA,
        "dockerfile": answer.dockerfile,
        "before": {"name": answer.before.name, "commit": answer.before.commit},
        "after": {"name": answer.after.name, "commit": answer.after.commit},
        "run": answer.run,
        "lacking": list(answer.lacking),
        "unread": list(answer.standing.unread),
        "kept_back": list(answer.standing.kept_back),
        "engines": [_engine_as_json(answer, one) for one in answer.by_engine],
    }


def _engine_as_json(answer: Answer, one: EngineAnswer) -> dict[str, Any]:
    cost = total([time for part in one.missed if (time := one.time(part))])
    steps = steps_as_json(one.explained)
    for step, part in zip(steps, one.explained.steps, strict=True):
        time = one.time(part)
        step["line"] = answer.lines.get(part.step.index)
        step["reasons"] = reasons(part.causes, answer.standing)
        step["time"] = None if time is None else asdict(time)
        step["cost_s"] = None if time is None or part not in one.missed else time.median
    return {
        "engine": one.engine,
        "misses": len(one.missed),
        "misses_at_least": len(one.sure),
        "steps_counted": len(one.reported),
        "first": one.missed[0].step.index if one.missed else None,
        "cost": None if cost is None else asdict(cost),
        "steps": steps,
    }
