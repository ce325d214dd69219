"""Lines for a terminal: of 80 columns, or of fewer where it has no more."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from typing import TextIO

WIDTH = 80
NARROWEST = 32  # below it words stand alone on their lines: the terminal had better break them


def width(stream: TextIO | None = None) -> int:
    """The columns that a line for people may fill: WIDTH, or those of a narrower terminal.

    ``stream`` is where the line goes; standard output unless named.
    """
    try:
        columns = os.get_terminal_size((stream or sys.stdout).fileno()).columns
    except (OSError, ValueError, AttributeError):  # a pipe, a file, a notebook, or closed
        return WIDTH
    return min(WIDTH, max(columns, NARROWEST)) if columns else WIDTH


class _Paths(textwrap.TextWrapper):
    """Parts a path that no line holds behind its slashes, on a terminal, which would part it
    anywhere; what reads a pipe finds it whole.
    """

    stream: TextIO

    def _split(self, text: str) -> list[str]:
        found = super()._split(text)
        if not self.stream.isatty():
            return found
        room = self.width - len(self.subsequent_indent)
        return [
            part
            for word in found
            for part in (re.split(r"(?<=/)(?=.)", word) if len(word) > room else [word])
        ]


def wrapped(line: str, hang: int | None = None, stream: TextIO | None = None) -> list[str]:
    """A line in lines of `width` columns; a word that is longer, as a name can be, stays whole.

    What goes on stands ``hang`` columns in, else a little further in than the line itself.
    """
    begin = len(line) - len(line.lstrip())
    wrapper = _Paths(
        width(stream),
        initial_indent=" " * begin,
        subsequent_indent=" " * (begin + 4 if hang is None else hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
    wrapper.stream = stream or sys.stdout
    return wrapper.wrap(line.strip())


def fitted(text: str, stream: TextIO) -> str:
    """Lines as they are, but on a terminal those that it would break anywhere are wrapped."""
    if not stream.isatty():
        return text
    columns = width(stream)
    lines = text.split("\n")
    return "\n".join(
        part
        for line in lines
        for part in (wrapped(line, stream=stream) if len(line) > columns else [line])
    )
