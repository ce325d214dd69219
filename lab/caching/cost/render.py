"""What instructions cost, as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.caching.cost.table import Cost, Line
from lab.caching.measured.step_times import Spread, between, ranged
from lab.dockerfile.instruction_text import short
from lab.model import units
from lab.model.text_wrap import wrapped

SCHEMA = "lab.cost/1"
SHOWN = 8
_NAME = 46
_PHASES = 4  # that are told one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for: the Dockerfile and the run, each None where there is none, and
    ``lacking``: what is not known and how to learn it, in sentences.
    """

    dockerfile: str | None
    run: str | None
    lacking: Sequence[str] = ()


def lines(found: Cost, asked: Asked, *, every: bool = False) -> Iterator[str]:
    """The dearest first, in a sentence; then each instruction, slowest first."""
    yield from wrapped(_sentence(found, asked), hang=0)
    if (text := _history(found)) is not None:
        yield from wrapped(text, hang=0)
    shown = found.lines if every else found.lines[:SHOWN]
    for one in shown:
        yield ""
        yield _head(one)
        yield from wrapped(f"{'':11}{_detail(one, found)}")
    if len(shown) < len(found.lines):
        yield ""
        yield f"  and {len(found.lines) - len(shown)} more: --all shows them"
    if asked.lacking:
        yield ""
    for text in asked.lacking:
        yield from wrapped(text, hang=0)


def _sentence(found: Cost, asked: Asked) -> str:
    first = next(iter(found.lines), None)
    if first is None:
        return "There is no RUN, COPY or ADD to cost anything."
    if first.took is None:
        where = asked.dockerfile or asked.run
        return f"How long the instructions of {where} take, no run has measured."
    of = ""
    if first.share is not None:
        whole = "a build from nothing" if found.cold else "a build that runs it"
        of = f", {units.percent(first.share.median)} of {whole}"
    return (
        f"{_short(first)}{_place(first)} takes most: {_told(first.took, units.seconds)}{of} on "
        f"{found.engine} (run {asked.run})."
    )


def _history(found: Cost) -> str | None:
    if not found.commits:
        return None
    commits = units.counted(found.commits, "commit")
    often = max(found.lines, key=lambda one: one.rebuilt or 0, default=None)
    if often is None or not often.rebuilt:
        if found.commits == 1:
            return "The last commit rebuilds no step."
        return f"None of the last {commits} rebuilds a step."
    if found.per_commit is None:
        return (
            f"Of the last {commits}, {often.rebuilt} rebuild {_short(often)}{_place(often)} and "
            "what follows from it."
        )
    dear = max(found.lines, key=lambda one: one.per_commit or 0.0)
    average = _a_commit(found.per_commit_least, found.per_commit)
    return (
        f"A commit costs {average} of steps on average, over the last "
        f"{commits}; most of it, {units.seconds(dear.per_commit)}, {_short(dear)}{_place(dear)}, "
        f"which {dear.rebuilt} of them rebuild."
    )


def _head(one: Line) -> str:
    place = "" if one.line is None else f"line {one.line}"
    took = units.seconds(None if one.took is None else one.took.median)
    share = "" if one.share is None else f"{units.percent(one.share.median)} of wall"
    return f"  {place:9}{_short(one):{_NAME}} {took:>8}  {share:>12}".rstrip()


def _detail(one: Line, found: Cost) -> str:
    said = []
    if one.took is not None:
        said.append(ranged(one.took, units.seconds))
    if one.share is not None and one.share.count > 1:
        said.append(f"{ranged(one.share, units.percent).rpartition(',')[0]} of wall")
    if one.builds:
        said.append(_ran(one, found))
    if one.rebuilt is not None:
        each = _a_commit(one.per_commit_least, one.per_commit)
        low = one.rebuilt if one.surely is None else one.surely
        count = f"{one.rebuilt}" if low == one.rebuilt else f"{low} to {one.rebuilt}"
        said.append(f"rebuilt by {count} of {one.commits} commits{each and f' ({each} a commit)'}")
    if one.layer is not None:
        said.append(f"layer {_told(one.layer, lambda size: units.size(round(size)))}")
    if one.reused is not None and one.took is not None and _dear(one.reused, one.took):
        said.append(f"a hit takes {_told(one.reused, units.seconds)}")
    return "; ".join(said) or "nothing is known of it"


def _a_commit(least: float | None, most: float | None) -> str:
    if most is None:
        return ""
    return between(most if least is None else least, most, units.seconds)


def _ran(one: Line, found: Cost) -> str:
    if not found.cold or len(one.phases) > _PHASES:
        kind = "builds that were not cold" if found.cold else "builds"
        return f"ran in {one.missed} of {one.builds} {kind}"
    each = (f"{phase} {missed} of {builds}" for phase, (missed, builds) in one.phases.items())
    return f"ran: {', '.join(each)}"


def _dear(reused: Spread, took: Spread) -> bool:
    """A hit that costs as much as a tenth of the step is worth a word."""
    return reused.median > 0.1 * took.median and reused.median > 0.05


def _told(one: Spread, shown: Callable[[float], str]) -> str:
    if one.least == one.most:
        return f"{shown(one.median)} (n = {one.count})"
    return f"{shown(one.median)} ({ranged(one, shown)})"


def _short(one: Line) -> str:
    return short(one.text, _NAME)


def _place(one: Line) -> str:
    return "" if one.line is None else f" (line {one.line})"


def as_json(found: Cost, asked: Asked) -> dict[str, Any]:
    """The same for programs; seconds, bytes and shares of one."""
    return {
        "schema": SCHEMA,
        "dockerfile": asked.dockerfile,
        "run": asked.run,
        "engine": found.engine,
        "wall": None if found.wall is None else asdict(found.wall),
        "cold": found.cold,
        "commits": found.commits,
        "seconds_per_commit": found.per_commit,
        "seconds_per_commit_least": found.per_commit_least,
        "unfit": found.unfit,
        "builds": found.builds,
        "lacking": list(asked.lacking),
        "instructions": [
            asdict(one)
            | {
                "seconds_per_commit": one.per_commit,
                "seconds_per_commit_least": one.per_commit_least,
            }
            for one in found.lines
        ],
    }
