"""The parser of the command line: filled in for the command that was asked for, or for all."""

from __future__ import annotations

import argparse
import keyword
import re
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from lab import __version__
from lab.cli.commands import GROUPS, VERBS
from lab.model.errors import exit_codes
from lab.model.text_wrap import wrapped


class Parser(argparse.ArgumentParser):
    """One that takes options by their whole names alone: `--base` is no `--baseline`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **given})

    def error(self, message: str) -> NoReturn:
        """End the command, with what was meant by an option that there is not."""
        word = re.match(r"unrecognized arguments: (--[^\s=]+)", message)
        known = [name for action in self._actions for name in action.option_strings]
        near = get_close_matches(word[1], known, n=1, cutoff=0.7) if word else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def for_command(
    asked: str | None,
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser | None]:
    """The whole command line's parser, and that of the command asked for."""
    parser, commands = _bare()
    # The rest would only cost time: whoever asks for one command is shown that one.
    return parser, None if asked not in VERBS else _command(commands, asked)


def whole() -> argparse.ArgumentParser:
    """The parser with every command filled in: it imports them all."""
    parser, commands = _bare()
    for name in VERBS:
        _command(commands, name)
    return parser


def _bare() -> tuple[argparse.ArgumentParser, Any]:
    parser = Parser(
        prog="lab",
        usage="lab COMMAND ...",
        description="The container image build lab: what a base image, a Go toolchain layout, a\n"
        "Dockerfile's order or a builder does to layer-cache hits and build time.\n\n"
        "Try: lab advise Dockerfile",
        epilog=_all(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lab {__version__}")
    return parser, parser.add_subparsers(
        dest="verb", metavar="COMMAND", required=True, prog="lab", help="one of those below"
    )


def _command(commands: Any, name: str) -> argparse.ArgumentParser:
    purpose = VERBS[name]
    verb: argparse.ArgumentParser = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    module(name).options(verb)
    return verb


def _all() -> str:
    lines = []
    for group, commands in GROUPS.items():
        lines.append(f"{group}:")
        for name, purpose in commands.items():
            lines += wrapped(f"  {name:<12}{purpose}", hang=14)
    lines += ["", "`lab COMMAND --help` shows a command's arguments.", "", "exit codes:"]
    return "\n".join([*lines, *(f"  {code:>3}  {what}" for code, what in exit_codes().items())])


def module(verb: str) -> Any:
    """The module of a command."""
    name = f"{verb}_" if keyword.iskeyword(verb) else verb
    return import_module(f"lab.cli.commands.{name}")
