"""`lab trace goroot -- go build ...`: what a go command does with its GOROOT."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.golang.trace.session import Traced


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("what", choices=("goroot",), help="what is traced")
    verb.add_argument(
        "--against",
        type=Path,
        metavar="GOROOT",
        help="run the command with this GOROOT too: what does it miss in Go's build cache, and why",
    )
    verb.add_argument("--by", choices=("strace", "perf"), help="strace where it is installed")
    verb.add_argument("--json", action="store_true", help="print the sums as JSON")
    verb.add_argument(
        "command", nargs="+", metavar="COMMAND", help="a go command, after --: -- go build ."
    )


def run(options: argparse.Namespace) -> int:
    """Run the command under a tracer and sum up what it touched, and what its cache had."""
    from lab.golang.trace.session import traces

    found = traces(options.command, by=options.by, against=options.against)
    if options.json:
        print_json(found.to_json())
        return 0
    _show(found.here)
    if found.there is not None:
        say("")
        say(f"with {options.against}:")
        _show_lookups(found.there)
        missed = sum(found.missed.values())
        say(f"packages that had to be compiled there, and what differs in their keys: {missed}")
        for reason, count in found.missed.items():
            say(f"{count:>6}  {reason}")
    return 0


def _show(seen: Traced) -> None:
    from lab.golang.bench.outcome import seconds
    from lab.golang.trace import goroot
    from lab.model import units

    if seen.code != 0:
        say(f"the command ended with exit code {seen.code}:")
        say(seen.tail)
    say(f"{'paths in':<26}{'calls':>8}{'opens':>8}{'failed':>8}{'files':>8}{'time in them':>14}")
    for one in seen.summary.classes:
        if (one.kind == goroot.UNKNOWN) == seen.paths:
            continue
        numbers = f"{one.calls:>8}{one.opens:>8}{one.failed:>8}{one.files:>8}"
        say(f"{one.kind:<26}{numbers}{seconds(one.took_s):>14}")
    say(f"time as {seen.by} reports it, its own cost in it")
    if not seen.paths:
        say("this host's perf reports no paths: neither files nor cache hits can be named;")
        say("install strace for that")
        for name, count, took in seen.summary.names:
            say(f"{name:<26}{count:>8}{seconds(took):>14}")
        return
    share = seen.summary.runtime_archive_share
    say(f"opens of a runtime.a: {seen.summary.runtime_archive_opens} ({units.percent(share)})")
    for path, count in seen.summary.most:
        say(f"{count:>6}  {path}")
    _show_lookups(seen)


def _show_lookups(seen: Traced) -> None:
    from lab.golang.trace import lookups

    say(f"{'asked of GOCACHE':<26}{'hits':>8}{'misses':>8}")
    for kind, (hits, misses) in lookups.counts(seen.lookups).items():
        say(f"{kind:<26}{hits:>8}{misses:>8}")
