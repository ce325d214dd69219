"""Lines for a terminal of 80 columns. Pure."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(line: str, hang: int | None = None) -> list[str]:
    """A line in lines of WIDTH columns; a word that is longer, as a path can be, stays whole.

    What goes on stands ``hang`` columns in, else a little further in than the line itself.
    """
    begin = len(line) - len(line.lstrip())
    return textwrap.wrap(
        line.strip(),
        WIDTH,
        initial_indent=" " * begin,
        subsequent_indent=" " * (begin + 4 if hang is None else hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
