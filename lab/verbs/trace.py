"""`lab trace goroot -- go build ...`: what a go command does with its GOROOT."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.verbs.output import print_json, say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("what", choices=("goroot",), help="what is looked at")
    verb.add_argument(
        "--against", type=Path, metavar="GOROOT", help="say what this GOROOT would compile again"
    )
    verb.add_argument("--json", action="store_true", help="print the sums as JSON")
    verb.add_argument("command", nargs="+", metavar="-- COMMAND", help="for example: -- go build .")


def run(options: argparse.Namespace) -> int:
    """Run the command under strace and sum up what it touched."""
    import dataclasses
    import tempfile

    from lab import units
    from lab.bench.outcome import seconds
    from lab.errors import BuildsFailed, InputError
    from lab.process import found
    from lab.process import run as run_program
    from lab.trace import goroot, strace, why

    command: list[str | Path] = list(options.command)
    if found(str(command[0])) is None:
        raise InputError(
            f"there is no {command[0]} on PATH", remedy="lab goroot use VERSION, and put it on PATH"
        )
    asked = [command[0], "env", "GOROOT", "GOCACHE", "GOMOD"]
    root, cache, module = (run_program(asked, error=InputError).out + "\n\n\n").split("\n")[:3]
    with tempfile.TemporaryDirectory(prefix="lab-trace-") as folder:
        calls = strace.traced(command, Path(folder) / "log", codes=range(256))
    project = str(Path(module).parent) if module not in {"", "/dev/null"} else ""
    seen = goroot.summary(calls, goroot=root, gocache=cache, project=project)
    reasons = {}
    if options.against is not None:
        keyed = {"GODEBUG": "gocachehash=1"}
        here = run_program(command, environment=keyed, error=BuildsFailed)
        program = options.against.absolute() / "bin/go"
        there = run_program([program, *command[1:]], environment=keyed, error=BuildsFailed)
        reasons = dict(why.grouped(why.changes(why.keys(here.err), why.keys(there.err))))
    if options.json:
        print_json(dataclasses.asdict(seen) | {"keys_changed_by": reasons})
        return 0
    say(f"{'paths in':<26}{'calls':>8}{'opens':>8}{'failed':>8}{'files':>8}{'time in them':>14}")
    for one in seen.classes:
        numbers = f"{one.calls:>8}{one.opens:>8}{one.failed:>8}{one.files:>8}"
        say(f"{one.kind:<26}{numbers}{seconds(one.took_s):>14}")
    say("time as strace tells it, its own cost in it")
    share = seen.runtime_archive_share
    say(f"opens of a runtime.a: {seen.runtime_archive_opens} ({units.percent(share)})")
    for path, count in seen.most:
        say(f"{count:>6}  {path}")
    if options.against is not None:
        say(f"other keys with {options.against}: {sum(reasons.values())} packages")
        for reason, count in reasons.items():
            say(f"{count:>6}  {reason}")
    return 0
