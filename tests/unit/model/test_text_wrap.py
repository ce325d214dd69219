"""Lines as wide as the terminal that shows them, and 80 columns where there is none."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios

import pytest

from lab.model.text_wrap import wrapped

LINE = "  " + "words of some length " * 9


@pytest.mark.parametrize(("columns", "most"), [(40, 40), (200, 80), (0, 80), (5, 32)])
def test_a_terminal_is_filled_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, columns: int, most: int
) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(leader), os.fdopen(follower, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        lines = wrapped(LINE)
    assert most - 6 <= max(map(len, lines)) <= most
    assert " ".join(lines).split() == LINE.split()


def test_a_pipe_gets_80_columns() -> None:
    assert 74 <= max(map(len, wrapped(LINE))) <= 80
