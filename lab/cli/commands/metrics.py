"""`lab metrics`: a results folder for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_text, say
from lab.model.errors import InputError

FORMATS = ("prometheus", "rules", "rules-test", "dashboard")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "--format",
        default="prometheus",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}: figures, alert rules of a policy, tests of them for "
        "promtool, a Grafana dashboard",
    )
    verb.add_argument("--policy", type=Path, metavar="FILE", help="of rules and rules-test")
    verb.add_argument(
        "--rules-file", default="lab-rules.yaml", metavar="FILE", help="that rules-test names"
    )
    verb.add_argument(
        "--output", type=Path, metavar="FILE", help="instead of printing it; replaced as a whole"
    )
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Print it, or replace the file."""
    from lab.host.disk import write

    text = _text(options)
    target: Path | None = options.output
    if target is None:
        print_text(text)
    else:
        write(target.parent, target.name, text, "name another file by --output")
        say(str(target))
    return 0


def _text(options: argparse.Namespace) -> str:
    from lab.report.metrics import dashboard, rules, scrape

    if options.format == "dashboard":
        return dashboard.dashboard()
    if options.format == "prometheus":
        if not options.results.is_dir():
            raise InputError(
                f"{options.results} is no folder", remedy="name the folder of your runs: --results"
            )
        return scrape.Scrape(options.results).text()
    from lab.cli.api.scenarios import shipped
    from lab.results.gate import policy_loader

    asked = policy_loader.load(options.policy or shipped("default.yaml", "policies"))
    if not rules.alerts(asked):
        raise InputError(
            f"the policy {asked.name} has no rule that an alert can be made of",
            remedy=f"rules of {', '.join(rules.SERIES)} can",
        )
    for metric in rules.left_out(asked):
        say(f"no alert for {metric}: it is not exported", on_error=True)
    if options.format == "rules":
        return rules.rules(asked)
    return rules.tests(asked, options.rules_file)
