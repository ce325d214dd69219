"""`lab verify`: published claims put to the test on this host."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.golang.claims.verify import Verified


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("claims", type=Path, metavar="CLAIMS.yaml")
    verb.add_argument("--quick", action="store_true", help="smaller projects and fewer rounds")
    verb.add_argument(
        "--claim", action="append", default=[], metavar="ID", help="only this one; repeatable"
    )
    arguments.earlier(verb, "--only", dest="claim", action="append")
    verb.add_argument("--again", action="store_true", help="measure anew what was measured before")
    verb.add_argument("--home", type=Path, metavar="DIR", help="of the Go versions")
    verb.add_argument("--json", action="store_true", help="print the answers as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Answer each claim; go on where an earlier run of the same claims stopped."""
    from lab.golang.claims import verify
    from lab.model import units
    from lab.report import claims as report

    session = verify.Session(
        options.claims, options.results, quick=options.quick, only=options.claim
    )
    home = arguments.place_of_versions(options.home)
    for answer in session.run(home, anew=options.again, say=lambda line: say(line, on_error=True)):
        if not options.json:
            _show(answer)
        report.write(session)
    spent = units.seconds(sum(answer.seconds for answer in session.chosen))
    say(f"{len(session.chosen)} claims; their experiments took {spent}", on_error=options.json)
    if options.json:
        print_json(verify.to_json(session.claims, session.chosen))
    say(f"report: {session.folder / 'report.html'}", on_error=options.json)
    return 0


def _show(answer: Verified) -> None:
    from lab.model import units
    from lab.model.text_wrap import wrapped

    say(f"{answer.answer:<22} {answer.claim.id} ({units.seconds(answer.seconds)})")
    for part in answer.findings:
        say("\n".join(wrapped(f"  {part.answer}: {part.part}: {part.measured}")))
