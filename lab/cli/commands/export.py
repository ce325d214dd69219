"""`lab export`: runs in the formats of tools that teams have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_text, say, say_notes
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.results.runs import StoredRun

FORMATS = ("benchstat", "hyperfine", "csv", "parquet", "prometheus")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", nargs="?", metavar="RUN", help=arguments.RUN)
    arguments.window(verb)
    verb.add_argument(
        "--format", required=True, choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS)
    )
    verb.add_argument("--output", type=Path, metavar="FILE", help="instead of printing it")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Print runs, or write them into a file."""
    from lab.host.disk import write
    from lab.report import tool_formats

    found = _runs(options)
    for stored in found:
        say_notes(stored)
    target: Path | None = options.output
    if options.format == "parquet":
        if target is None:
            raise InputError("parquet is no text", remedy="--output FILE.parquet")
        tool_formats.parquet(found, target)
    else:
        text = tool_formats.TEXTS[options.format](found)
        if target is None:
            print_text(text)
            return 0
        write(target.parent, target.name, text, "name another file by --output")
    say(str(target))
    return 0


def _runs(options: argparse.Namespace) -> list[StoredRun]:
    """The run that is named, or all since a time, oldest first. Raises InputError for none."""
    from lab.results import heads, runs

    if (options.run is None) is (options.since is None):
        raise InputError(
            "lab export takes a RUN, or --since with a time for all runs from then on",
            remedy="lab export latest --format csv; lab export --since 7d --format csv",
        )
    if options.run is not None:
        stored = runs.load(options.run, options.results)
        if not stored.builds:
            raise runs.without_builds(stored)
        return [stored]
    known = [one for one in heads.heads(options.results) if one.built and one.since(options.since)]
    read = (runs.readable(one.folder, lambda text: say(text, on_error=True)) for one in known)
    found = [stored for stored in read if stored is not None and stored.builds]
    if not found:
        raise InputError(
            f"no run with builds in {options.results} began since "
            f"{options.since:%Y-%m-%d %H:%M} UTC",
            remedy="name an earlier time",
        )
    return found
