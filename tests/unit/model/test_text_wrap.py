"""Lines as wide as the terminal that shows them, and 80 columns where there is none."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.model.text_wrap import wrapped

LINE = "  " + "words of some length " * 9


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Iterator[None]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(leader), os.fdopen(follower, "w") as shown, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", shown)
        yield


@pytest.mark.parametrize(("columns", "most"), [(40, 40), (200, 80), (0, 80), (5, 32)])
def test_a_terminal_is_filled_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, columns: int, most: int
) -> None:
    with terminal(monkeypatch, columns):
        lines = wrapped(LINE)
    assert most - 6 <= max(map(len, lines)) <= most
    assert " ".join(lines).split() == LINE.split()


def test_a_pipe_gets_80_columns() -> None:
    assert 74 <= max(map(len, wrapped(LINE))) <= 80


def test_a_long_path_is_parted_at_its_slashes_on_a_terminal_and_whole_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = "internal/a-rather-long-package-name/another-even-longer-name-of-a-folder/a_file_test.go"
    line = f"Docker reruns 2 of 6 steps: {path} changed."
    assert path in "\n".join(wrapped(line, hang=0)).split()
    with terminal(monkeypatch, 80):
        lines = wrapped(line, hang=0)
    assert lines == [
        "Docker reruns 2 of 6 steps: internal/a-rather-long-package-name/",
        "another-even-longer-name-of-a-folder/a_file_test.go changed.",
    ]
