"""`lab doctor`: what this host has and lacks, and what fixes it."""

from __future__ import annotations

import argparse

from lab.cli import arguments
from lab.cli.output import say
from lab.model.errors import MissingPrerequisite


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--install", action="store_true", help="install what is missing")
    verb.add_argument(
        "--versions", action="store_true", help="ask the archive which engines' versions it holds"
    )
    arguments.earlier(verb, "--engines", dest="versions", action="store_true")
    verb.add_argument("--tests", action="store_true", help="also what only the lab's tests need")


def run(options: argparse.Namespace) -> int:
    """List what the host has and lacks; with --install, fix it."""
    from lab.cli import doctor as host
    from lab.cli import engine_versions

    findings = (
        host.install(say, tests=options.tests)
        if options.install
        else host.survey(tests=options.tests)
    )
    findings += engine_versions.findings(ask=options.versions, say=say)
    say(host.render(findings))
    lacking = [finding.name for finding in findings if finding.state != "ok" and finding.packages]
    if lacking:
        raise MissingPrerequisite(
            f"this host lacks: {', '.join(lacking)}",
            remedy="run the commands above, or `lab doctor --install` as root",
        )
    return 0
