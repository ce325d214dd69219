"""`lab compare --rows ... --cols ...`: any field of the records as row, column or table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab.cli import arguments, forms
from lab.cli.forms import Form
from lab.model.engine_name import names_engine
from lab.model.errors import InputError

MANY_BYTES = 20_000_000  # of records, some ten thousand builds: from here on only columns keep pace


def options(verb: argparse.ArgumentParser) -> None:
    """--rows, --cols, --table and --metric."""
    for name in ("rows", "cols", "table"):
        verb.add_argument(
            f"--{name}", type=_fields, metavar="FIELD,...", help=f"fields of the records as {name}"
        )
    verb.add_argument("--metric", metavar="M", help="with --rows or --cols; default: wall")


def _fields(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(","))
    if not all(found) or len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"{text!r}: expected names of fields, each once")
    return found


def asked(options: argparse.Namespace) -> bool:
    """Whether the command line asks for a pivot, or names so many builds that it must be one."""
    if options.rows or options.cols or options.table:
        return True
    if options.metric is not None:
        raise InputError("--metric goes with --rows and --cols", remedy="--rows phase")
    if options.run is not None or options.axis is not None or not options.values:
        return False
    if any(names_engine(value) for value in options.values):
        return False
    from lab.results import runs

    folders = runs.find_each(options.values, options.results)
    paths = [folder / runs.BUILDS_FILE for folder in folders]
    return sum(path.stat().st_size for path in paths if path.exists()) > MANY_BYTES


def run(options: argparse.Namespace, asked: Sequence[Form]) -> int:
    """Print the pivot of the runs that were named; without one, of the last."""
    from lab.report import pivot as pivoted
    from lab.report.markdown_text import code
    from lab.results import runs
    from lab.results.pivot import FIRST, fields, pivot

    arguments.refuse(options, arguments.BUILDS, "beside stored runs: nothing is built")
    refs: Sequence[str] = options.values or [options.run or runs.LATEST]
    folders: list[Path] = list(dict.fromkeys(runs.find_each(refs, options.results)))
    rows, cols, baseline = options.rows, options.cols, options.baseline
    if not (rows or cols or options.table):  # many builds: the runs side by side, by their cells
        rows, cols, baseline = ("phase", fields.CELL), ("run",), baseline or FIRST
    found = pivot(
        folders,
        rows=rows or ("phase",),
        cols=cols or ("run",),
        table=options.table or (),
        baseline=baseline,
        metric=options.metric,
        with_degraded=options.with_degraded,
    )

    def made(name: str) -> str:
        if name == "json":
            return forms.json_text({"pivot": asdict(found)})
        return f"{code(pivoted.text(found).rstrip())}\n"

    forms.show(asked, made, lambda: pivoted.text(found))
    return 0
