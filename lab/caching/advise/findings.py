"""Advice as findings at the lines that a rewrite changes. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence

from lab.caching.advise.gain import Advice
from lab.caching.advise.render import predicted
from lab.caching.advise.rewrite import ALL_TOGETHER
from lab.dockerfile.edits import Inputs
from lab.dockerfile.parser import lines_of
from lab.model.finding import Finding


def findings(
    given: Inputs, shown: Sequence[Advice], place: Callable[[str], str], over: str
) -> Iterator[Finding]:
    """One for each rewrite: a warning where it is predicted to gain, else a note.

    ``place`` makes a path of the context one that the reader knows; ``over`` is what the gain was
    predicted over, edits or commits. All rewrites together are no finding of their own.
    """
    for one in shown:
        if one.rewrite.kind == ALL_TOGETHER:
            continue
        alone = one.rewrite.dockerfile == given.dockerfile  # a .dockerignore, which may be new
        known = not alone or ".dockerignore" in given.context.entries
        first, last = (1, 1) if alone else _lines(given.dockerfile, one.rewrite.dockerfile)
        said = [f"{one.rewrite.kind}: {one.rewrite.why}"]
        said.append(f"predicted over {predicted(one, over)}" if one.gains else "")
        said.append(f"could change the image: {one.rewrite.alters}" if one.rewrite.alters else "")
        said.append(f"caution: {one.rewrite.caution}" if one.rewrite.caution else "")
        yield Finding(
            rule=re.sub(r"\W+", "-", one.rewrite.kind).strip("-"),
            level="warning" if one.gains and not one.rewrite.alters else "note",
            place=place(".dockerignore" if alone and known else given.dockerfile_path),
            line=first,
            end_line=last,
            message="\n".join(filter(None, said)),
            patch=one.patch,
        )


def _lines(old: str, new: str) -> tuple[int, int]:
    """The first lines of the old text that are no more, else the line that something is put
    before; 1 is the first.
    """
    before, after = lines_of(old), lines_of(new)
    changes = [
        (start, end)
        for what, start, end, _, _ in difflib.SequenceMatcher(
            None, before, after, autojunk=False
        ).get_opcodes()
        if what != "equal"
    ]
    start, end = next((one for one in changes if one[0] < one[1]), changes[0])
    first = min(start + 1, max(1, len(before)))
    return first, max(first, end)
