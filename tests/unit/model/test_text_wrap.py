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
from pathlib import Path
from typing import TextIO

import pytest

from lab.model.text_wrap import fitted, wrapped

LINE = "  " + "words of some length " * 9


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Iterator[TextIO]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(leader), os.fdopen(follower, "w") as shown, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", shown)
        yield shown


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


def test_an_error_is_fitted_to_a_terminal_and_is_one_line_in_a_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (
        "lab: lab.yaml:3:8: no ARG size\n    COPY  a  b\n  next: correct these lines; "
        "docs/scenarios.md has every field, `lab schema` makes editors show them\n"
    )
    with (tmp_path / "log").open("w") as log:
        assert fitted(text, log) == text
    with terminal(monkeypatch, 80) as shown:
        lines = fitted(text, shown).split("\n")
    assert lines[:2] == text.split("\n")[:2]
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).split() == text.split()
