"""README.md as a newcomer takes it: each command that it shows is one that the lab takes."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from lab.cli.commands import VERBS
from lab.cli.parser import whole

README = (Path(__file__).parents[3] / "README.md").read_text()
# A command, and what stands behind it: two blanks or more, then what it is for.
COMMANDS = re.findall(r"^ {4}(lab (?:\S| (?! ))+)", README, re.MULTILINE)
PLACES = {"RUN|DOCKERFILE": "latest", "IMAGE|SCENARIO|DOCKERFILE": "bookworm", "FILE...": "a.log"}


def ways(command: str) -> list[list[str]]:
    """What one may type for a line: with what stands in brackets and without, each of `a|b|c`."""
    for place, word in PLACES.items():
        command = command.replace(place, word)
    texts = {re.sub(r" \[[^]]*\]", "", command), command.replace("[", "").replace("]", "")}
    found = []
    for text in sorted(texts):
        words = [re.sub(r"\|\.\.\.$", "", word) for word in shlex.split(text)[1:]]
        most = max(len(word.split("|")) for word in words)
        found += [
            [(parts := word.split("|"))[min(at, len(parts) - 1)] for word in words]
            for at in range(most)
        ]
    return [[{"N": "3", "F": "csv"}.get(word, word) for word in words] for words in found]


every = cache(whole)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_lab_takes_what_the_readme_shows(command: str) -> None:
    for words in ways(command):
        every().parse_args(words)  # ends the test where it is none


def test_the_readme_shows_every_command() -> None:
    shown = {command.split()[1] for command in COMMANDS}
    assert len(COMMANDS) > 30
    assert shown == set(VERBS)
