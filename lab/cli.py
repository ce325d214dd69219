"""The verbs. The only place that parses arguments, catches the lab's errors and exits."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lab import __version__, interrupts
from lab.errors import DiskFull, Interrupted, LabError, exit_codes

ENGINES = ("docker", "docker-classic", "podman", "simulated")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: parse, run the verb, turn the lab's errors into words and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # Not every terminal can show every character, nor is every file's name text.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    interrupts.install()
    try:
        code = _run_verb(options)
        sys.stdout.flush()
    except LabError as error:
        print(f"lab: {error.message}", file=sys.stderr)  # noqa: T201 - this is the door to people
        if error.remedy:
            print(f"  next: {error.remedy}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except KeyboardInterrupt as stop:
        code = Interrupted.exit_code
        print(f"lab: stopped by {stop}", file=sys.stderr)  # noqa: T201
    except BrokenPipeError:  # the reader of our output has gone, as `lab ... | head` does
        _drop_output()
        code = 0
    except OSError as error:  # of our own output, as in `lab ... >/dev/full`
        print(f"lab: {error}", file=sys.stderr)  # noqa: T201
        _drop_output()
        code = DiskFull.exit_code if error.errno == errno.ENOSPC else LabError.exit_code
    sys.exit(code)


def _drop_output() -> None:
    """Let the interpreter flush what nobody takes to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run_verb(options: argparse.Namespace) -> int:
    from lab import verbs

    return int(getattr(verbs, options.verb)(options))


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in exit_codes().items())
    parser = argparse.ArgumentParser(
        prog="lab",
        description="The container image build lab: measures what a base image, a Go toolchain "
        "layout, a Dockerfile's order or a builder does to layer-cache hits and build time.",
        epilog=f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lab {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _run(verbs.add_parser("run", help="run a scenario and write its reports"))
    _compare(verbs.add_parser("compare", help="compare engines, runs, or values of an axis"))
    plan = verbs.add_parser("plan", help="list a scenario's cells and what would be skipped")
    render = verbs.add_parser("render", help="write the Dockerfiles that a scenario would build")
    for verb in (plan, render):
        verb.add_argument("scenario", type=Path, metavar="SCENARIO.yaml")
        _engine_options(verb)
    render.add_argument("--output", type=Path, default=Path("rendered"), metavar="DIR")
    report = verbs.add_parser("report", help="make a run's reports again")
    report.add_argument("run", metavar="RUN", help="its id, its folder, or: latest")
    _results(report)
    verbs.add_parser("schema", help="print the JSON Schema of scenario files")
    doctor = verbs.add_parser("doctor", help="list what this host has and lacks")
    doctor.add_argument("--install", action="store_true", help="install what is missing")
    return parser


def _run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("scenario", type=Path, nargs="?", metavar="SCENARIO.yaml")
    _engine_options(verb)
    _run_options(verb)
    verb.add_argument("--resume", metavar="RUN", help="go on with a run that stopped")
    verb.add_argument("--json", action="store_true", help="print run.json and the table as JSON")


def _compare(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "values", nargs="+", metavar="VALUE", help="engines to run, run ids, or values of --axis"
    )
    verb.add_argument("--run", metavar="RUN", help="compare within this run, without building")
    verb.add_argument("--axis", metavar="AXIS", help="the axis that VALUEs are of")
    verb.add_argument("--scenario", type=Path, metavar="FILE", help="instead of the demo scenario")
    verb.add_argument("--private", action="store_true", help="always start private engines")
    _run_options(verb)
    verb.add_argument("--json", action="store_true", help="print the table as JSON")


def _run_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--rounds", type=_positive, metavar="N", help="instead of the scenario's")
    verb.add_argument("--seed", type=int, metavar="N", help="of the order of trials")
    verb.add_argument("--quiet", action="store_true", help="plain lines, no live view")
    verb.add_argument("--keep", action="store_true", help="leave images and engines in place")
    _results(verb)


def _engine_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[=ENDPOINT]",
        help=f"instead of the scenario's engines: {', '.join(ENGINES)}; repeatable",
    )
    verb.add_argument("--private", action="store_true", help="always start private engines")


def _results(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least 1")
    return int(text)
