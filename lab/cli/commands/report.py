"""`lab report`: a run's reports made again, in any form; several runs in one page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, run_names
from lab.cli.output import print_text, say
from lab.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.model.record import Build, Run
    from lab.report.model import Report

FORMATS = ("html", "markdown", "json", "csv", "junit", "perfetto")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", nargs="*", metavar="RUN", help=arguments.RUN)
    verb.add_argument(
        "--compare", nargs="+", metavar="RUN", default=[], help="these runs in one report"
    )
    verb.add_argument(
        "--format",
        action="append",
        type=_format,
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}; html and markdown unless named; perfetto is a trace for "
        "ui.perfetto.dev; repeatable",
    )
    verb.add_argument(
        "--output", metavar="FILE", help="instead of the run's folder, one format; - prints it"
    )
    arguments.baseline(verb)
    arguments.results(verb)


def _format(text: str) -> str:
    """The form's key; "md" is what an earlier lab called Markdown."""
    if text not in {*FORMATS, "md"}:
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(FORMATS)}")
    return "md" if text == "markdown" else text


def run(options: argparse.Namespace) -> int:
    """Make reports, and name the files."""
    from lab.host import disk, own_folders
    from lab.report import compose, formats
    from lab.results import runs

    compared: list[str] = [*options.run, *options.compare] if options.compare else []
    if not compared and len(options.run) != 1:
        raise InputError(
            "lab report takes one run, or --compare with several",
            remedy="lab report latest, or lab report --compare RUN RUN",
        )
    kinds: list[str] = list(dict.fromkeys(options.format or ("html", "md")))
    builds: Sequence[Build]
    heads: Sequence[Run]
    made: Report
    if compared:
        folders = runs.find_each(compared, options.results)
        found = [(name, runs.read(at)) for name, at in zip(compared, folders, strict=True)]
        if len({one.folder.resolve() for _, one in found}) < max(2, len(found)):
            raise InputError(
                "--compare takes two runs or more, each of them once",
                remedy="lab report --compare RUN RUN",
            )
        stored = run_names.short(found)
        made, builds = compose.from_runs(
            stored, run_names.of(stored, options.baseline, options.results)
        )
        heads, folder = [one.run for one in stored.values()], options.results / "compared"
    else:
        one = runs.load(options.run[0], options.results)
        if not one.builds:
            raise runs.without_builds(one)
        made, builds, heads, folder = (
            compose.from_run(one, options.baseline),
            one.builds,
            [one.run],
            one.folder,
        )
    if options.output is None:
        with disk.disk(folder):
            folder.mkdir(parents=True, exist_ok=True)  # results/ need not be where the runs are
        if compared:
            own_folders.mark(folder)
        for path in formats.write(kinds, folder, made, builds, heads):
            say(str(path))
        return 0
    if len(kinds) != 1 or options.format is None:
        raise InputError(
            "--output takes one --format", remedy="lab report RUN --format csv --output FILE"
        )
    text = formats.render(kinds[0], made, builds, heads)
    if options.output == "-":
        print_text(text)
        return 0
    path = Path(options.output)
    say(str(disk.write(path.parent, path.name, text, "name another file by --output")))
    return 0
