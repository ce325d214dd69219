"""What verbs print: the one place that writes to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.host.standard_streams import OutputLost, drop
from lab.model.text_wrap import fitted

if TYPE_CHECKING:
    from lab.results.runs import StoredRun


def say(text: str, *, on_error: bool = False) -> None:
    """A line for people; ``on_error`` sends it to standard error."""
    out = sys.stderr if on_error else sys.stdout
    print(fitted(text, out) if on_error else text, file=out)


def say_all(lines: Iterable[str]) -> None:
    """Lines for people."""
    for line in lines:
        say(line)


def say_notes(stored: StoredRun) -> None:
    """What was passed over in reading a run, on standard error: what is printed lacks it."""
    for note in stored.notes:
        say(f"{stored.run.id}: {note}", on_error=True)


def print_json(value: object) -> None:
    """A value for programs."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=True)
    sys.stdout.write("\n")


def print_text(text: str) -> None:
    """Text as it is, its last line end included."""
    sys.stdout.write(text)


def print_lines(text: str) -> None:
    """Text for people, which may hold lines longer than a terminal's."""
    sys.stdout.write(fitted(text, sys.stdout))


@contextmanager
def before_the_answer() -> Iterator[None]:
    """What is shown here may stay unread, as by `lab gate | head`: the exit code still answers."""
    try:
        yield
        sys.stdout.flush()
    except OutputLost as lost:
        if not lost.unread:
            raise
        drop_output()


def drop_output() -> None:
    """Let what nobody takes go to nowhere, what the interpreter flushes at its end too."""
    drop(sys.stdout)
