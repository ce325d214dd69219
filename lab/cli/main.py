"""The entry point: the only place that parses arguments, catches the lab's errors and exits."""

from __future__ import annotations

import errno
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lab.cli import parser as parsers
from lab.cli.commands import VERBS
from lab.cli.output import drop_output
from lab.host import signals, standard_streams
from lab.host.standard_streams import OutputLost
from lab.model.errors import DiskFull, InputError, Interrupted, LabError
from lab.model.text_wrap import fitted

_LAB = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: parse, run the verb, turn the lab's errors into words and exit codes."""
    standard_streams.prepare()
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
    except OutputLost as lost:
        drop_output()
        code = 0 if lost.unread else _code(lost)
        if not lost.unread:
            _tell(f"writing its output: {lost.strerror}", "free some space, or send it elsewhere")
    except OSError as error:  # no part of the lab has told it in its own words
        code = _code(error)
        _tell(*_stray(error))
    signals.settle()
    sys.exit(code)


def _tell(what: str, remedy: str | None = None) -> None:
    try:
        text = f"lab: {what}\n" + (f"  next: {remedy}\n" if remedy else "")
        sys.stderr.write(fitted(text, sys.stderr))
        sys.stderr.flush()
    except OutputLost:  # the exit code still answers
        standard_streams.drop(sys.stderr)


def _code(error: OSError) -> int:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return DiskFull.exit_code if full else LabError.exit_code


def _stray(error: OSError) -> tuple[str, str]:
    """What an error of the system was about, and where in the lab it was met."""
    import traceback  # which no other command waits for

    *_, frame = (
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_LAB)
    )
    where = f"{Path(frame.filename).relative_to(_LAB.parent)}:{frame.lineno}"
    if _code(error) == DiskFull.exit_code:
        return f"{error} ({where})", "free some space there"
    remedy = "mend what it names; where nothing there is wrong, please report this line"
    return f"{error} ({where})", remedy


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
