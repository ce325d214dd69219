"""`lab verify`: published claims put to the test on this host."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_json, say


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("claims", type=Path, metavar="CLAIMS.yaml")
    verb.add_argument("--quick", action="store_true", help="smaller projects and fewer rounds")
    verb.add_argument(
        "--only", "--claim", action="append", default=[], metavar="ID", help="repeatable"
    )
    verb.add_argument("--again", action="store_true", help="measure anew what was measured before")
    verb.add_argument("--home", type=Path, metavar="DIR", help="of the Go versions")
    verb.add_argument("--json", action="store_true", help="print the answers as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Answer each claim; go on where an earlier run of the same claims stopped."""
    from lab.golang.claims import loader, verify
    from lab.golang.claims.experiments import Ground
    from lab.host import own_folders
    from lab.host.disk import disk, dump, write
    from lab.model import units
    from lab.model.errors import InputError
    from lab.model.text_wrap import wrapped
    from lab.report import claims as report

    claims, text = loader.load(options.claims)
    ids = [claim.id for claim in claims.claims]
    if unknown := [name for name in options.only if name not in ids]:
        raise InputError(f"no claim has the id {unknown[0]!r}", remedy=f"one of {', '.join(ids)}")
    folder = verify.folder_for(options.results, claims, text, quick=options.quick).absolute()
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    own_folders.mark(folder)
    write(folder, "claims.yaml", text)
    own = verify.this_host()
    ground = Ground(
        home=arguments.place_of_versions(options.home),
        results=folder / "runs",
        say=lambda line: say(f"  {line}", on_error=True),
    )
    asked = [one for one in claims.claims if not options.only or one.id in options.only]
    for claim in asked if options.again else ():
        verify.forget(folder, claim)
    answers = {
        claim.id: known
        for claim in claims.claims
        if (known := verify.answered(claim, folder, quick=options.quick))
    }
    for claim in asked:
        say(f"{claim.id}: {claim.experiment}", on_error=True)
        one = verify.verify(claim, folder, ground, quick=options.quick)
        answers[claim.id] = one
        found = [answers[each] for each in ids if each in answers]
        if not options.json:
            say(f"{one.answer:<22} {claim.id} ({units.seconds(one.seconds)})")
            for part in one.findings:
                say("\n".join(wrapped(f"  {part.answer}: {part.part}: {part.measured}")))
        write(folder, "answers.json", dump(verify.to_json(claims, found), indent=1))
        write(folder, "report.md", report.markdown(claims, found, host=own, quick=options.quick))
        write(folder, "report.html", report.html(claims, found, host=own, quick=options.quick))
    spent = units.seconds(sum(answers[claim.id].seconds for claim in asked))
    say(f"{len(asked)} claims; their experiments took {spent}", on_error=options.json)
    if options.json:
        print_json(verify.to_json(claims, [answers[claim.id] for claim in asked]))
    say(f"report: {folder / 'report.html'}", on_error=options.json)
    return 0
