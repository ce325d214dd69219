"""`lab export`: a run in the formats of tools that teams have."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_text, say, say_notes
from lab.model.errors import InputError

FORMATS = ("benchstat", "hyperfine", "csv", "parquet", "prometheus")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", metavar="RUN", help=arguments.RUN)
    verb.add_argument("--format", required=True, choices=FORMATS)
    verb.add_argument("--output", type=Path, metavar="FILE", help="instead of printing it")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Print a run, or write it into a file."""
    from lab.host.disk import write
    from lab.report import tool_formats
    from lab.results import runs

    stored = runs.load(options.run, options.results)
    say_notes(stored)
    if not stored.builds:
        raise runs.without_builds(stored)
    target: Path | None = options.output
    if options.format == "parquet":
        if target is None:
            raise InputError("parquet is no text", remedy="--output FILE.parquet")
        tool_formats.parquet(stored, target)
    else:
        text = tool_formats.TEXTS[options.format](stored)
        if target is None:
            print_text(text)
            return 0
        write(target.parent, target.name, text, "name another file by --output")
    say(str(target))
    return 0
