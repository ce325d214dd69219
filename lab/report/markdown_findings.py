"""Advice and predictions for a job's summary or the comment of a pull request. Pure.

Every foreign text is escaped. GitHub takes comments of 65,536 characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.caching.advise.render import predicted
from lab.caching.why import render as said
from lab.caching.why.reasons import reasons
from lab.model import units
from lab.model.finding import Finding
from lab.report.formatting import clean, one_line
from lab.report.markdown_text import code, escape

if TYPE_CHECKING:
    from lab.caching.advise.gain import Advice
    from lab.caching.explain import StepExplanation
    from lab.caching.why.answer import Answer, EngineAnswer

SHOWN = 30  # findings of one Dockerfile
PATCHES = 40_000  # characters of patches that are shown; the rest is only named
SIGNS = {"error": "\u274c", "warning": "\u26a0\ufe0f", "note": "\u2139\ufe0f"}


def advice(place: str, shown: Sequence[Advice], over: str) -> str:
    """Each rewrite with its gain, its patch folded away."""
    lines = [f"### {escape(place)}: {_count(len(shown))}\n"]
    left = PATCHES
    for one in shown:
        gain = f"predicted over {predicted(one, over)}" if one.gains else "only builds can tell"
        lines.append(f"**{escape(one.rewrite.kind)}**: {escape(one.rewrite.why)}\n")
        lines.append(f"{escape(gain)}\n")
        if one.rewrite.caution:
            lines.append(f"caution: {escape(one.rewrite.caution)}\n")
        if one.rewrite.alters:
            lines.append(f"could change the image: {escape(one.rewrite.alters)}\n")
        left -= len(one.patch)
        if left > 0:
            patch = code(clean(one.patch).rstrip(), "diff")
            lines.append(f"<details><summary>patch</summary>\n\n{patch}\n\n</details>\n")
    return "\n".join(lines)


def _count(rewrites: int) -> str:
    if not rewrites:
        return "no rewrite saves a rebuild"
    return "1 rewrite" if rewrites == 1 else f"{rewrites} rewrites"


def rebuild(place: str, answer: Answer) -> str:
    """What reruns between two states, the first engine's steps in a table."""
    first, *others = answer.by_engine
    lines = [f"### {escape(place)}: what this change rebuilds\n"]
    lines += [f"{escape(said.sentence(answer, first))}\n"]
    if first.missed:
        lines += [f"{escape(said.price(answer, first))}\n"]
        lines += ["| line | instruction | why | time |", "| ---: | --- | --- | ---: |"]
        lines += [_row(answer, first, part) for part in first.missed[:SHOWN]]
        more = len(first.missed) - SHOWN
        lines += ["", *([f"and {more} more\n"] if more > 0 else [])]
    lines += [f"{escape(said.beside(answer, other))}\n" for other in others]
    return "\n".join(lines)


def _row(answer: Answer, one: EngineAnswer, part: StepExplanation) -> str:
    time = one.time(part)
    cells = (
        str(answer.lines.get(part.step.index, "")),
        one_line(part.step.instruction, 80),
        "; ".join(reasons(part.causes, answer.standing)) or "follows from above",
        "" if time is None else units.seconds(time.median),
    )
    return "| " + " | ".join(escape(clean(cell), leading=False) for cell in cells) + " |"


def predictions(place: str, found: Sequence[Finding], *, edited: bool) -> str:
    """What would end the build, and what edits would run again, a line each."""
    what = "what would run again" if edited else "what would end its build"
    lines = [
        f"- {SIGNS[one.level]} line {one.line}: {escape(clean(one.message), leading=False)}"
        for one in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        lines.append(f"- and {len(found) - SHOWN} more")
    return "\n".join([f"### {escape(place)}: {what}\n", *(lines or ["Nothing."]), ""])
