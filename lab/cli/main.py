"""The entry point: the only place that parses arguments, catches the lab's errors and exits."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lab.cli import parser as parsers
from lab.cli.commands import VERBS
from lab.cli.output import drop_output
from lab.host import signals
from lab.model.errors import DiskFull, InputError, Interrupted, LabError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: parse, run the verb, turn the lab's errors into words and exit codes."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # Not every terminal can show every character, nor is every file's name text.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["help"]:  # as git and go have it
        given = [*given[1:2], "--help"]
    if not given:  # whoever types `lab` alone wants to know what there is
        parsers.for_command(None)[0].print_help(sys.stderr)
        sys.exit(InputError.exit_code)
    asked = next(iter(given), None)
    if asked is not None and not asked.startswith("-") and asked not in VERBS:
        _refuse(asked)
    parser, verb = parsers.for_command(asked)
    options, unknown = parser.parse_known_args(given)
    if unknown:
        (verb or parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    signals.install()
    # What a verb reads lives until it ends: to look for cycles in it every 700 objects, as Python
    # does of itself, takes a tenth of a large report's time.
    gc.set_threshold(20_000, 20, 50)
    try:
        code = int(parsers.module(options.verb).run(options))
        sys.stdout.flush()
    except LabError as error:
        signals.settle()
        try:
            sys.stdout.flush()
        except OSError:  # what went wrong stays the answer, whoever reads
            drop_output()
        _tell(error.message, error.remedy)
        code = error.exit_code
    except KeyboardInterrupt as stop:
        signals.settle()
        code = Interrupted.exit_code
        _tell(f"stopped by {stop}")
    except BrokenPipeError:  # the reader of our output has gone, as `lab ... | head` does
        drop_output()
        code = 0
    except OSError as error:  # of our own output, as in `lab ... >/dev/full`
        _tell(f"writing its output: {error}", "free some space, or send it elsewhere")
        drop_output()
        code = DiskFull.exit_code if error.errno == errno.ENOSPC else LabError.exit_code
    signals.settle()
    sys.exit(code)


def _tell(what: str, remedy: str | None = None) -> None:
    sys.stderr.write(f"lab: {what}\n")
    if remedy:
        sys.stderr.write(f"  next: {remedy}\n")


def _open_closed_streams() -> None:
    """Let what a shell closed (`>&-`) lead to nowhere.

    Otherwise the next file that is opened, a run's records, would take its place, and what a
    process that the lab starts prints would go there.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:  # the lowest that is free
        os.set_inheritable(number, True)
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it lives as long as the lab


def _refuse(asked: str) -> NoReturn:
    """Say that there is no such command, and which was meant."""
    from difflib import get_close_matches

    near = get_close_matches(asked, [*VERBS, "help"], n=1)
    meant = f"did you mean `lab {near[0]}`? " if near else ""
    if asked.endswith((".yaml", ".yml")):
        meant = f"`lab run {asked}` runs a scenario. "
    elif "Dockerfile" in asked:
        meant = f"`lab advise {asked}`, or `lab run --dockerfile {asked}`. "
    _tell(f"{asked!r} is no command of the lab", f"{meant}`lab --help` lists all")
    sys.exit(InputError.exit_code)
