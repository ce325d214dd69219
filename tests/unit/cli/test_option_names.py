"""One name means one thing: docs/options.md, held against every command's parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lab.cli import main
from lab.cli.parser import whole

PAGE = (Path(__file__).parents[3] / "docs" / "options.md").read_text()
SHARED, _, BEFORE = PAGE.partition("Spellings of lab 0.1")
ROW = re.compile(r"^\| `(--[\w-]+)` \| (.*?) ?\| (.+) \|$", re.MULTILINE)


def options(
    parser: argparse.ArgumentParser, command: str = ""
) -> Iterator[tuple[str, argparse.Action]]:
    """Every option of every command, with the command's first word: actions are parts of one."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from options(sub, command or str(name))
        elif action.option_strings and action.dest not in {"help", "version"}:
            yield command, action


@cache
def every() -> tuple[tuple[str, argparse.Action], ...]:
    return tuple(options(whole()))


def value(action: argparse.Action) -> str:
    """What a reader of the help sees behind the option."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    return action.metavar or "|".join(action.choices or [action.dest.upper()])


def shown() -> dict[str, dict[str, set[str]]]:
    """Option -> command -> values, of those that the help shows."""
    found: dict[str, dict[str, set[str]]] = {}
    for command, action in every():
        if action.help != argparse.SUPPRESS:
            for name in action.option_strings:
                found.setdefault(name, {}).setdefault(command, set()).add(value(action))
    return found


def test_what_two_commands_share_stands_on_the_page_with_every_value() -> None:
    page = {
        name: set(re.findall(r"`([^`]+)`", values.replace("\\|", "|")))
        for name, values, _ in ROW.findall(SHARED)
    }
    shared = {
        name: set().union(*by_command.values()) - {""}
        for name, by_command in shown().items()
        if len(by_command) > 1 or name in page
    }
    lacking = {name: values for name, values in shared.items() if page.get(name) != values}
    assert not lacking, "name it otherwise, or say on docs/options.md what it means everywhere"
    assert set(page) == set(shared)


def test_an_option_has_one_name() -> None:
    """Two spellings in one help would be two names for one thing."""
    long = [[name for name in one.option_strings if name[:2] == "--"] for _, one in every()]
    assert not [names for names in long if len(names) > 1]


def test_json_is_there_wherever_json_is_a_format() -> None:
    for name, by_command in shown().items():
        if name == "--format":
            forms = {command for command, values in by_command.items() if "FORMAT[=FILE]" in values}
    assert forms
    assert forms <= set(shown()["--json"])


def test_an_earlier_spelling_does_what_the_new_one_does() -> None:
    """It fills the same place, and is not in the way of another option of that command."""
    hidden = [(command, one) for command, one in every() if one.help == argparse.SUPPRESS]
    assert len(hidden) > 8
    for command, one in hidden:
        places = {
            other.dest
            for name, other in every()
            if name == command and other.help != argparse.SUPPRESS
        }
        assert one.dest in places, (command, one.option_strings)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "Dockerfile", "--engine", "podman=4.3.1"], "podman"),
        (["predict", "Dockerfile", "--engine", "podman@4.3.1"], "podman"),
    ],
)
def test_both_ways_to_state_a_version_ask_for_the_same_rules(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    """Podman 4.3.1 has no here-documents; the newest has."""
    (tmp_path / "Dockerfile").write_text("FROM a\nRUN <<E\ntrue\nE\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"{said} 4.3.1 has no here-documents" in out


def test_the_page_names_the_earlier_spellings_that_work() -> None:
    listed = set(re.findall(r"`(--[\w-]+)", BEFORE))
    hidden = {
        name for _, one in every() if one.help == argparse.SUPPRESS for name in one.option_strings
    }
    new_in_this_version = {"--name", "--axis"}  # of lab import, which no published lab had
    assert hidden - new_in_this_version <= listed


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["compare", "docker", "podman", "--base", "x"], "--baseline"),
        (["goroot", "list", "--hom", "x"], "--home"),
        (["advise", "--jso"], "--json"),
    ],
)
def test_an_option_is_taken_by_its_whole_name(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shortened one could mean another option tomorrow."""
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err
