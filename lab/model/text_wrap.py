"""Lines for a terminal: of 80 columns, or of fewer where it has no more."""

from __future__ import annotations

import os
import re
import sys
import textwrap

WIDTH = 80
NARROWEST = 32  # below it words stand alone on their lines: the terminal had better break them


def width() -> int:
    """The columns that a line for people may fill: WIDTH, or those of a narrower terminal."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):  # a pipe, a file, a notebook, or closed
        return WIDTH
    return min(WIDTH, max(columns, NARROWEST)) if columns else WIDTH


class _Paths(textwrap.TextWrapper):
    """Parts a path that no line holds behind its slashes, on a terminal, which would part it
    anywhere; what reads a pipe finds it whole.
    """

    def _split(self, text: str) -> list[str]:
        found = super()._split(text)
        if not sys.stdout.isatty():
            return found
        room = self.width - len(self.subsequent_indent)
        return [
            part
            for word in found
            for part in (re.split(r"(?<=/)(?=.)", word) if len(word) > room else [word])
        ]


def wrapped(line: str, hang: int | None = None) -> list[str]:
    """A line in lines of `width` columns; a word that is longer, as a name can be, stays whole.

    What goes on stands ``hang`` columns in, else a little further in than the line itself.
    """
    begin = len(line) - len(line.lstrip())
    return _Paths(
        width(),
        initial_indent=" " * begin,
        subsequent_indent=" " * (begin + 4 if hang is None else hang),
        break_long_words=False,
        break_on_hyphens=False,
    ).wrap(line.strip())
