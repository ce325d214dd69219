"""The truth check of build times: is an injected delay found, of its size, and none without it?

One GOROOT's compiler waits at each call, so its builds must last calls times delay longer than
those of an equal GOROOT beside it; a third, equal one must last no longer. Builds run one action at
a time: only then does the whole delay fall on the wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.golang.bench import build, programs
from lab.golang.bench.journal import Take, anew
from lab.golang.bench.outcome import Fact, Outcome
from lab.golang.bench.sandbox import Say
from lab.results import stats

WITHIN = 0.1  # of the delay: what the waiting program costs itself, and the machine's swing

HELD = ("the delay was found, of its size", "none was found without it")  # facts, both to be true


def measure(
    goroot: Path,
    *,
    project: build.Project,
    delay_ms: int,
    rounds: int,
    take: Take = anew,
    say: Say,
) -> Outcome:
    """Series "delayed/more" and "equal/more": seconds beyond the plain GOROOT, round by round.

    The facts say what was injected, and whether the experiment found it and found nothing else.
    """
    slow = f"slow:{delay_ms}ms"
    found = build.measure(
        goroot,
        layouts=("disk", "home", slow),
        project=replace(project, flags=(*project.flags, "-p", "1")),
        rounds=rounds,
        take=take,
        say=say,
    )
    walls = {
        layout: found.series[f"{layout}/{build.COLD.name}/wall"].samples
        for layout in ("disk", "home", slow)
    }
    waits = found.series[f"{slow}/{build.COLD.name}/waits"].samples
    calls = sum(waits) / len(waits)
    injected = calls * delay_ms / 1000
    more = {"delayed": _more(walls[slow], walls["disk"])}
    more["equal"] = _more(walls["home"], walls["disk"])
    facts: dict[str, Fact] = {
        "injected per build, s": round(injected, 3),
        "calls of the compiler per build": calls,
        HELD[0]: _holds(more["delayed"], injected, injected),
        HELD[1]: _holds(more["equal"], 0.0, injected),
    }
    return Outcome(
        experiment="truth",
        settings=found.settings,
        series={**found.series, **programs.joined({f"{k}/more": v for k, v in more.items()})},
        facts={**facts, **found.facts},
        missing=found.missing,
    )


def _more(these: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    return tuple(this - other for this, other in zip(these, others, strict=True))


def _holds(differences: Sequence[float], expected: float, injected: float) -> bool:
    """Whether median and interval are around what is expected, give or take WITHIN the delay."""
    short = stats.summary(differences)
    if short is None or short.interval is None:
        return False
    room = WITHIN * injected
    low, high = short.interval
    return abs(short.median - expected) <= room and low - room <= expected <= high + room
