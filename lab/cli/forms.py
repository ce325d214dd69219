"""--format FORMAT[=FILE]: one answer in several forms, printed or written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_text, say
from lab.model.errors import InputError

ANOTHER = "name another file by --format"
Form = tuple[str, Path | None]


def option(verb: argparse.ArgumentParser, formats: Sequence[str], *, earlier: str = "") -> None:
    """--format, and the spelling that it had in an ``earlier`` lab."""
    verb.add_argument(
        "--format",
        dest="forms",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(formats)}; into FILE, or instead of the text; repeatable",
    )
    if "json" in formats:
        verb.add_argument(
            "--json",
            dest="forms",
            action="append_const",
            const="json",
            help="the same as --format json",
        )
    if earlier:
        arguments.earlier(verb, earlier, dest="forms", action="append")


def chosen(given: Sequence[str], formats: Sequence[str]) -> list[Form]:
    """What was asked for. Raises InputError of a form or a file that cannot be."""
    from lab.host.disk import expect

    found = [_form(text, formats) for text in given]
    for _, file in found:
        if file is not None:
            expect(file, ANOTHER)
    return found


def _form(text: str, formats: Sequence[str]) -> Form:
    name, given, file = text.partition("=")
    if name not in formats:
        raise InputError(
            f"no format is named {name!r}", remedy=f"--format takes one of {', '.join(formats)}"
        )
    if given and not file:
        raise InputError(
            f"--format {text}: no file is named after the '='",
            remedy=f"--format {name}=FILE writes one, --format {name} prints it",
        )
    return name, Path(file) if given else None


def show(asked: Sequence[Form], made: Callable[[str], str], text: Callable[[], str]) -> None:
    """Write and print what was asked for; the text where nothing else is printed."""
    write(asked, made)
    if not printed(asked):
        print_text(text())


def json_text(value: object) -> str:
    """A value for programs."""
    return json.dumps(value, indent=2) + "\n"


def printed(asked: Sequence[Form]) -> bool:
    """Whether a form takes the place of the text."""
    return any(file is None for _, file in asked)


def write(asked: Sequence[Form], made: Callable[[str], str]) -> None:
    """Write and print the forms. Files first: nobody may read what is printed."""
    from lab.host import disk

    for name, file in sorted(asked, key=lambda one: one[1] is None):
        if file is None:
            print_text(made(name))
        else:
            say(str(disk.write(file.parent, file.name, made(name), ANOTHER)), on_error=True)
