"""Advice and predictions for a job's summary or the comment of a pull request. Pure.

Every foreign text is escaped. GitHub takes comments of 65,536 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lab.caching.advise.render import predicted
from lab.model.finding import Finding
from lab.report.formatting import clean
from lab.report.markdown_text import code, escape

if TYPE_CHECKING:
    from lab.caching.advise.gain import Advice

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


def predictions(place: str, found: Iterable[Finding]) -> str:
    """What would end the build, and what would run again, a line each."""
    return "\n".join([f"### {escape(place)}: what would run again\n", *_listed(list(found)), ""])


def _listed(found: Sequence[Finding]) -> Iterator[str]:
    for one in found[:SHOWN]:
        yield f"- {SIGNS[one.level]} line {one.line}: {escape(one.message, leading=False)}"
    if len(found) > SHOWN:
        yield f"- and {len(found) - SHOWN} more"
    if not found:
        yield "Nothing: every step would come from the cache."
